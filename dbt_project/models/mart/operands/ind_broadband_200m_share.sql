-- one row per operand
{{ config(materialized="view") }}

with

broadband as (
    select count(*) as household_count
    from {{ ref("int_household__broadband") }} as household
    where household.fastest_mbps >= 200
),

statistics as (
    select * from {{ annual_statistics("总户数", "户") }} as statistic
),

figures as (
    {{ latest_common_year({"households": "statistics"}) }}
)

{{
    operand_row(
        "broadband_users_ge200m",
        "select broadband.household_count from broadband",
        needs_of_each("broadband_user", "固定宽带用户", operators()),
    )
}}
union all
{{
    annual_operand_rows(
        "figures",
        ["households"],
        {"statistics__annual_indicator": "年度统计指标"},
        "总户数",
    )
}}
