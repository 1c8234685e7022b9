-- one row per as-of date and milestone of a project, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("project_milestone_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.project_seq,
        stored.milestone_no,
        stored.project_name,
        stored.is_listed,
        stored.milestone,
        stored.qualifier,
        stored.due_year,
        stored.due_on,
        stored.reported_state,
        stored.completed_on,
        stored.evidence_no,
        stored.reported_on,
        stored.status,
        stored.is_late
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
