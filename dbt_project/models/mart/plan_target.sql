-- one row per as-of date and dated target of the plan, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("plan_target_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.*
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
