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
        stored.run_id,
        stored.target_id,
        stored.seq,
        stored.metric,
        stored.operator,
        stored.target_value,
        stored.unit,
        stored.due,
        stored.start_on,
        stored.due_on,
        stored.kind,
        stored.responsible,
        stored.source,
        stored.quote,
        stored.contradictions,
        stored.note,
        stored.value_source,
        stored.numerator,
        stored.denominator,
        stored.value,
        stored.value_unit,
        stored.least_value,
        stored.reported_value,
        stored.reported_state,
        stored.reported_on,
        stored.difference,
        stored.is_met,
        stored.status,
        stored.reason
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
