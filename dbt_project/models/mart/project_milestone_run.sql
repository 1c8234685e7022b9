-- one row per run, project and milestone: those of 附件1, and those reported beside them
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "project_seq", "milestone_no"], "unique": true}],
    )
}}

with

judged as (
    select * from {{ ref("int_project_milestone__judged") }}
),

final as (
    select
        judged.run_id,
        judged.project_seq,
        judged.milestone_no,
        judged.project_name,
        judged.is_listed,
        judged.milestone,
        judged.qualifier,
        judged.due_year,
        judged.due_on,
        judged.reported_state,
        judged.completed_on,
        judged.evidence_no,
        judged.reported_on,
        judged.status,
        judged.is_late
    from judged
)

select * from final
