-- one row per as-of date, reading not used by its latest published run, and indicator it bears on
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

runs as (
    select * from {{ source("mart", "run") }}
),

readings as (
    select * from {{ source("mart", "reading_run") }}
),

parameters as (
    select * from {{ ref("parameters") }}
),

indicators as (
    select * from {{ ref("indicators") }}
),

stated as (
    select * from {{ ref("indicator_value_run") }}
),

final as (
    select
        latest_runs.as_of,
        readings.run_id,
        readings.parameter,
        parameters.title,
        coalesce(
            runs.parameters ->> readings.parameter, parameters.default_value
        ) as reading_used,
        readings.reading,
        indicators.seq,
        readings.indicator_id,
        indicators.name,
        stated.star,
        readings.star as other_star,
        coalesce(stated.star, -1) <> coalesce(readings.star, -1) as is_flipped,
        stated.value_text,
        readings.value_text as other_value_text,
        readings.reason as other_reason,
        parameters.source
    from readings
    inner join latest_runs on readings.run_id = latest_runs.run_id
    inner join runs on readings.run_id = runs.run_id
    inner join indicators on readings.indicator_id = indicators.indicator_id
    inner join stated
        on readings.run_id = stated.run_id and readings.indicator_id = stated.indicator_id
    left join parameters on readings.parameter = parameters.name
)

select * from final
