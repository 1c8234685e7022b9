-- one row per run and reading of the 90 % target for sharing, opening and credit sharing
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "reading"], "unique": true}],
    )
}}

with

readings as (
    select * from {{ ref("target_readings") }}
),

graded as (
    select * from {{ ref("int_indicator__graded") }}
),

rates as (
    select
        graded.run_id,
        readings.seq,
        readings.reading,
        readings.title,
        readings.source,
        readings.quote,
        readings.combination,
        readings.threshold_pct,
        readings.is_binding,
        graded.indicator_id,
        graded.metric -> 'rate' as rate,
        (graded.metric -> 'rate' ->> 'num')::numeric * 100
        >= readings.threshold_pct * (graded.metric -> 'rate' ->> 'den')::numeric as is_reached
    from readings
    inner join graded on graded.indicator_id = any(string_to_array(readings.indicator_ids, '|'))
),

combined as (
    select
        rates.run_id,
        rates.seq,
        rates.reading,
        rates.title,
        rates.source,
        rates.quote,
        rates.combination,
        rates.threshold_pct,
        rates.is_binding,
        jsonb_object_agg(rates.indicator_id, rates.rate) as rates,
        count(*) as rate_count,
        bool_or(rates.rate ->> 'num' is null) as is_incomplete,
        case
            when bool_or(not rates.is_reached) then false
            when bool_or(rates.is_reached is null) then null
            else true
        end as is_each_reached,
        min((rates.rate ->> 'num')::numeric / (rates.rate ->> 'den')::numeric) as lowest,
        {{ target.schema }}.fraction_sum(
            coalesce(jsonb_agg(rates.rate) filter (where rates.rate ->> 'num' is not null), '[]')
        ) as rate_sum,
        string_agg(distinct rates.rate ->> 'reason', '；') as reason
    from rates
    group by
        rates.run_id,
        rates.seq,
        rates.reading,
        rates.title,
        rates.source,
        rates.quote,
        rates.combination,
        rates.threshold_pct,
        rates.is_binding
),

final as (
    select
        combined.run_id,
        combined.seq,
        combined.reading,
        combined.title,
        combined.source,
        combined.quote,
        combined.is_binding,
        combined.rates,
        trim_scale(
            case
                when combined.is_incomplete then null
                when combined.combination = 'each' then combined.lowest
                else
                    (combined.rate_sum ->> 'num')::numeric
                    / ((combined.rate_sum ->> 'den')::numeric * combined.rate_count)
            end
        ) as value,
        trim_scale(combined.threshold_pct / 100) as target,
        case
            when combined.combination = 'each' then combined.is_each_reached
            when combined.is_incomplete then null
            else
                (combined.rate_sum ->> 'num')::numeric * 100
                >= combined.threshold_pct
                * combined.rate_count
                * (combined.rate_sum ->> 'den')::numeric
        end as met,
        combined.reason
    from combined
)

select * from final
