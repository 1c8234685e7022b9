-- one row per operand
{{ config(materialized="view") }}

{% set annual = {"households": "statistics"} %}

with

subscribers as (
    {{ broadband_households() }}
),

statistics as (
    select * from {{ annual_statistics("总户数", "户") }} as statistic
),

figures as (
    {{ latest_common_year(annual) }}
)

{{
    count_row(
        "broadband_users_ge200m",
        "subscribers",
        "subscribers.address_code",
        needs_of_each("broadband_user", "固定宽带用户", operators()),
        only={"速率低于 200 Mbit/s": "subscribers.speed_mbps >= 200"},
    )
}}
union all
{{
    annual_operand_rows(
        "figures",
        annual,
        {"statistics__annual_indicator": "年度统计指标"},
        "总户数",
    )
}}
