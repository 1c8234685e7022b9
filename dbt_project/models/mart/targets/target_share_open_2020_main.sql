-- one row: the lower of the sharing and the opening rate; where one is unknown, the other if it is short by itself
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

lowest as (
    select
        rates.numerator,
        rates.denominator
    from rates
    cross join target
    where
        rates.denominator > 0
        and (
            rates.numerator * 100 < target.threshold * rates.denominator
            or (select count(*) from rates as known where known.denominator > 0) = 2
        )
    order by rates.numerator / rates.denominator
    limit 1
)

select
    (select lowest.numerator from lowest) as numerator,
    (select lowest.denominator from lowest) as denominator,
    null::numeric as expected,
    (select string_agg(distinct rates.reason, '；') from rates) as reason
