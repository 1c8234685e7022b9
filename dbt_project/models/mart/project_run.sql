-- one row per run and project of 附件1 (48)
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "project_seq"], "unique": true}],
    )
}}

with

judged as (
    select * from {{ ref("int_project__judged") }}
),

final as (
    select
        judged.run_id,
        judged.project_seq,
        judged.group_no,
        judged.group_name,
        judged.category,
        judged.name,
        judged.content,
        judged.preamble,
        judged.responsible,
        judged.milestone_count,
        judged.met_count,
        judged.behind_count,
        judged.no_data_count,
        judged.late_count,
        judged.last_due_on,
        judged.next_due_on,
        judged.status,
        judged.reason
    from judged
)

select * from final
