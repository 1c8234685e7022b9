-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__information_system": "政务信息系统清单"} %}

with

systems as (
    {{
        counted(
            "big_data_center__information_system",
            "system",
            ["system.system_code", "system.is_on_cloud"],
            {
                "不在用": in_use("system.status"),
                "涉密，按现用口径不计": "system.is_classified is not true or "
                ~ parameter("classified_systems_count") ~ " = 'yes'",
            },
        )
    }}
)

{{ count_row("gov_systems", "systems", "systems.system_code", needs) }}
union all
{{
    count_row(
        "cloud_systems",
        "systems",
        "systems.system_code",
        needs,
        only={"没有上云": "systems.is_on_cloud"},
    )
}}
