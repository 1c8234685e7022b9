-- one row per as-of date and indicator, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("indicator_value_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.indicator_id,
        stored.metric,
        stored.value,
        stored.value_text,
        stored.star,
        stored.four_star_met,
        stored.five_star_met,
        stored.period_used,
        stored.is_estimated,
        stored.reason
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
