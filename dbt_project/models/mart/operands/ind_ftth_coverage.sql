-- one row per operand
{{ config(materialized="view") }}

with

broadband as (
    select count(*) as household_count
    from {{ ref("int_household__broadband") }} as household
    where household.has_fiber
),

statistics as (
    select * from {{ annual_statistics("上网家庭数", "户") }} as statistic
),

figures as (
    {{ latest_common_year({"internet_households": "statistics"}) }}
)

{{
    operand_row(
        "fiber_households",
        "select broadband.household_count from broadband",
        needs_of_each("broadband_user", "固定宽带用户", operators()),
    )
}}
union all
{{
    annual_operand_rows(
        "figures",
        ["internet_households"],
        {"statistics__annual_indicator": "年度统计指标"},
        "上网家庭数",
    )
}}
