-- one row per run and category that must be opened: whether it is, and why not
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "category"], "unique": true}],
    )
}}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

categories as (
    select * from {{ ref("int_category__opening") }}
),

final as (
    select
        run.run_id,
        categories.seq,
        categories.category,
        categories.dataset_count,
        categories.open_dataset_count,
        categories.is_open,
        categories.reason
    from categories
    cross join run
)

select * from final
