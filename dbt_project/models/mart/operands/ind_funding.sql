-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"finance__smart_city_investment": "智慧城市项目投资台账"} %}

with

social_capital as (
    {{
        counted(
            "finance__smart_city_investment",
            "investment",
            ["investment.amount_wan_cny"],
            {
                "不是社会资本": "investment.fund_source = '社会资本'",
                "不是评定日所在年度": "investment.year = to_char(" ~ as_of() ~ ", 'YYYY')",
            },
        )
    }}
)

{{
    sum_row(
        "social_capital_wan_yuan",
        "social_capital",
        "social_capital.amount_wan_cny",
        needs,
        period="to_char(" ~ as_of() ~ ", 'YYYY')",
    )
}}
union all
{{ checklist_rows("funding") }}
