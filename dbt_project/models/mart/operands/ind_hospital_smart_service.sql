-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"health__hospital": "医疗机构信息化评级"} %}

with

hospitals as (
    {{
        counted(
            "health__hospital",
            "hospital",
            [
                "hospital.institution_code",
                "case " ~ parameter("hospital_level_scheme") ~ " when 'smart_service_level'"
                ~ " then hospital.smart_service_level else hospital.emr_level end as assessed_level",
            ],
            {
                "不在用": in_use("hospital.status"),
                "不是公立医院": "hospital.is_public",
                "不是二级或三级医院": "hospital.grade in ('二级', '三级')",
            },
        )
    }}
)

{{
    count_row(
        "public_hospitals_grade2plus", "hospitals", "hospitals.institution_code", needs
    )
}}
{% for level in [3, 4] %}
union all
{{
    count_row(
        "public_hospitals_level_ge" ~ level,
        "hospitals",
        "hospitals.institution_code",
        needs,
        only={"评级不到 " ~ level ~ " 级": "hospitals.assessed_level >= " ~ level},
    )
}}
{% endfor %}
