-- one row per as-of date, indicator and operand, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("indicator_operand_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.indicator_id,
        stored.operand,
        stored.value,
        stored.reason,
        stored.is_estimated,
        stored.period_used
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
