-- one row per as-of date and reading, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("target_reading_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.seq,
        stored.reading,
        stored.title,
        stored.source,
        stored.quote,
        stored.is_binding,
        stored.rates,
        stored.value,
        stored.target,
        stored.met,
        stored.reason
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
