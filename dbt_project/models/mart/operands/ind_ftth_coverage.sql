-- one row per operand
{{ config(materialized="view") }}

{% set annual = {"internet_households": "statistics"} %}

with

households as (
    {{ broadband_households() }}
),

statistics as (
    select * from {{ annual_statistics("上网家庭数", "户") }} as statistic
),

figures as (
    {{ latest_common_year(annual) }}
)

{{
    count_row(
        "fiber_households",
        "households",
        "households.address_code",
        needs_of_each("broadband_user", "固定宽带用户", operators()),
        only={"不是光纤接入": "households.access_kind = '光纤'"},
    )
}}
union all
{{
    annual_operand_rows(
        "figures",
        annual,
        {"statistics__annual_indicator": "年度统计指标"},
        "上网家庭数",
    )
}}
