-- one row: the lower of the sharing and the opening rate; where one is unknown, a short other
{{ config(materialized="view") }}

with

rates as (
    {{ indicator_metric("dept_sharing_rate") }}
    union all
    {{ indicator_metric("open_data_category_rate") }}
),

target as (
    select target.target_value::numeric as threshold
    from {{ ref("plan_targets") }} as target
    where target.target_id = 'share_open_2020_main'
),

known as (
    select count(*) as rate_count
    from rates
    where rates.denominator > 0
),

lowest as (
    select
        rates.numerator,
        rates.denominator
    from rates
    cross join target
    cross join known
    where
        rates.denominator > 0
        and (
            rates.numerator * 100 < target.threshold * rates.denominator
            or known.rate_count = 2
        )
    order by rates.numerator / rates.denominator
    limit 1
)

select
    (select lowest.numerator from lowest) as numerator,
    (select lowest.denominator from lowest) as denominator,
    null::numeric as expected,
    (select string_agg(distinct rates.reason, '；') from rates) as reason
