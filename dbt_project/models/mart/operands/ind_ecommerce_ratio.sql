-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "commerce__ecommerce": "电子商务交易额",
    "statistics__annual_indicator": "年度统计指标",
} %}

with

turnover as (
    select distinct on (ecommerce.year)
        ecommerce.year,
        ecommerce.transaction_yi_cny as value
    from {{ in_force("commerce__ecommerce") }} as ecommerce
    where ecommerce.transaction_yi_cny is not null
    order by ecommerce.year asc, ecommerce._applied_seq desc, ecommerce._row_no desc
),

retail as (
    select
        statistic.year,
        {{ convert_unit("statistic.value", "元", "亿元") }} as value
    from {{ annual_statistics("社会消费品零售总额", "元") }} as statistic
),

figures as (
    {{ latest_common_year({"ecommerce_turnover": "turnover", "retail_sales_total": "retail"}) }}
)

{{
    annual_operand_rows(
        "figures",
        ["ecommerce_turnover", "retail_sales_total"],
        needs,
        "电商交易额与社会消费品零售总额",
    )
}}
