-- one row per as-of date, indicator and star level, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("indicator_gap_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.indicator_id,
        stored.star,
        stored.is_met,
        stored.operand,
        stored.missing,
        stored.unit,
        stored.gap,
        stored.conditions
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
