-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__demonstration": "示范推广经验登记"} %}

with

-- one that is promoted at both levels counts at each
promoted as (
    {{
        counted(
            "big_data_center__demonstration",
            "demonstration",
            ["demonstration.experience_no", "demonstration.level"],
            {
                "不属于优政、惠民、兴业": "demonstration.field in ('优政', '惠民', '兴业')",
                "评定日尚未推广": has_begun("demonstration.promoted_on"),
            },
        )
    }}
)

{{
    count_row(
        "provincial_promoted",
        "promoted",
        "promoted.experience_no",
        needs,
        only={"不是省级": "promoted.level = '省级'"},
    )
}}
union all
{{
    count_row(
        "national_promoted",
        "promoted",
        "promoted.experience_no",
        needs,
        only={"不是国家级": "promoted.level = '国家级'"},
    )
}}
