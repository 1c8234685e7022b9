-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "commerce__ecommerce": "电子商务交易额",
    "statistics__annual_indicator": "年度统计指标",
} %}
{% set no_year = "'没有电商交易额与社会消费品零售总额均已公布、且已结束的年度'" %}

with

turnover as (
    select distinct on (ecommerce.year)
        ecommerce.year,
        ecommerce.transaction_yi_cny
    from {{ in_force("commerce__ecommerce") }} as ecommerce
    where ecommerce.transaction_yi_cny is not null
    order by ecommerce.year asc, ecommerce._applied_seq desc, ecommerce._row_no desc
),

retail as (
    select
        statistic.year,
        statistic.value_cny / 100000000 as value_yi_cny
    from {{ annual_statistics("社会消费品零售总额") }} as statistic
    where statistic.value_cny is not null
),

figures as (
    select
        turnover.year,
        turnover.transaction_yi_cny,
        retail.value_yi_cny
    from turnover
    inner join retail on turnover.year = retail.year
    cross join {{ source("mart", "current_run") }} as run
    where {{ is_annual_period("turnover.year", "run.as_of") }}
    order by turnover.year desc
    limit 1
)

{{
    operand_row(
        "ecommerce_turnover",
        "select figures.transaction_yi_cny from figures",
        needs,
        note="select case when count(*) = 0 then " ~ no_year ~ " end from figures",
        period="select figures.year from figures",
    )
}}
union all
{{
    operand_row(
        "retail_sales_total",
        "select figures.value_yi_cny from figures",
        needs,
        note="select case when count(*) = 0 then " ~ no_year ~ " end from figures",
        period="select figures.year from figures",
    )
}}
