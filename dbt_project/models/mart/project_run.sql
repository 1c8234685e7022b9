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

final as (
    select * from {{ ref("int_project__judged") }}
)

select * from final
