-- one row: the mean of the sharing and the opening rate (附件1's wording)
{{ config(materialized="view") }}

with

rates as (
    {{ indicator_metric("dept_sharing_rate") }}
    union all
    {{ indicator_metric("open_data_category_rate") }}
),

summed as (
    select
        count(*) filter (where rates.denominator > 0) as known_count,
        mart.fraction_sum(
            coalesce(
                jsonb_agg(jsonb_build_object('num', rates.numerator, 'den', rates.denominator))
                filter (where rates.denominator > 0),
                '[]'
            )
        ) as total,
        string_agg(distinct rates.reason, '；') as reason
    from rates
)

select
    case when summed.known_count = 2 then (summed.total ->> 'num')::numeric end as numerator,
    case when summed.known_count = 2 then (summed.total ->> 'den')::numeric * 2 end as denominator,
    null::numeric as expected,
    summed.reason
from summed
