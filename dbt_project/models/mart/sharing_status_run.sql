-- one row per run and government department at city level: whether it shares, and why not
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "department_code"], "unique": true}],
    )
}}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

departments as (
    select * from {{ ref("int_department__sharing") }}
),

final as (
    select
        run.run_id,
        departments.department_code,
        departments.department_name,
        departments.resource_count,
        departments.mounted_count,
        departments.overdue_request_count,
        departments.is_sharing,
        departments.reason
    from departments
    cross join run
)

select * from final
