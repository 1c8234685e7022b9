-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"finance__smart_city_investment": "智慧城市项目投资台账"} %}

with

social_capital as (
    select coalesce(sum(investment.amount_wan_cny), 0) as amount_wan_cny
    from {{ in_force("finance__smart_city_investment") }} as investment
    where
        investment.fund_source = '社会资本'
        and investment.year = to_char({{ as_of() }}, 'YYYY')
)

{{
    operand_row(
        "social_capital_wan_yuan",
        "select social_capital.amount_wan_cny from social_capital",
        needs,
        period="to_char(" ~ as_of() ~ ", 'YYYY')",
    )
}}
union all
{{ checklist_rows("funding") }}
