-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__pilot": "智慧城市试点登记"} %}

with

pilots as (
    {{
        counted(
            "big_data_center__pilot",
            "pilot",
            ["pilot.name", "pilot.level"],
            {
                "不在用": in_use("pilot.status"),
                "评定日尚未批准": has_begun("pilot.approved_on"),
            },
        )
    }}
),

national_pilots as (
    select pilots.name
    from {{ those_of("pilots") }}
    where pilots.level = '国家级'
)

{{
    count_row(
        "national_pilots",
        "pilots",
        "pilots.name",
        needs,
        only={"不是国家级": "pilots.level = '国家级'"},
    )
}}
union all
{{
    count_row(
        "provincial_pilots",
        "pilots",
        "pilots.name",
        needs,
        only={
            "不是省级": "pilots.level = '省级'",
            "已按国家级计入": parameter("pilot_at_two_levels") ~ " = 'both' or not exists"
            ~ " (select 1 from national_pilots where national_pilots.name = pilots.name)",
        },
    )
}}
