-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "commerce__ecommerce": "电子商务交易额",
    "statistics__annual_indicator": "年度统计指标",
} %}
{% set annual = {"ecommerce_turnover": "turnover", "retail_sales_total": "retail"} %}

with

turnover as (
    {{ annual_register("commerce__ecommerce", "transaction_yi_cny") }}
),

retail as (
    select *
    from {{ annual_statistics("社会消费品零售总额", "元", to_unit="亿元") }} as statistic
),

figures as (
    {{ latest_common_year(annual) }}
)

{{ annual_operand_rows("figures", annual, needs, "电商交易额与社会消费品零售总额") }}
