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

final as (
    select * from {{ ref("int_project_milestone__judged") }}
)

select * from final
