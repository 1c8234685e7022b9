-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"education__school": "学校名录"} %}

with

schools as (
    {{
        counted(
            "education__school",
            "school",
            ["school.school_code", "school.is_smart_campus"],
            {
                "不在用": in_use("school.status"),
                "不属于计入的办学类型": "school.stage in"
                ~ " ('小学', '初中', '高中', '九年一贯制', '完全中学', '职业院校')",
            },
        )
    }}
)

{{ count_row("schools", "schools", "schools.school_code", needs) }}
union all
{{
    count_row(
        "smart_campuses",
        "schools",
        "schools.school_code",
        needs,
        only={"不是智慧校园": "schools.is_smart_campus"},
    )
}}
