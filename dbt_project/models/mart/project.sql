-- one row per as-of date and project of 附件1, of its latest published run
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

stored as (
    select * from {{ ref("project_run") }}
),

final as (
    select
        latest_runs.as_of,
        stored.run_id,
        stored.project_seq,
        stored.group_no,
        stored.group_name,
        stored.category,
        stored.name,
        stored.content,
        stored.preamble,
        stored.responsible,
        stored.milestone_count,
        stored.met_count,
        stored.behind_count,
        stored.no_data_count,
        stored.late_count,
        stored.last_due_on,
        stored.next_due_on,
        stored.status,
        stored.reason
    from stored
    inner join latest_runs on stored.run_id = latest_runs.run_id
)

select * from final
