-- one row per run and dated target of the plan (65): actual value, where it comes from, status
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "target_id"], "unique": true}],
    )
}}

with

final as (
    select * from {{ ref("int_plan_target__judged") }}
)

select * from final
