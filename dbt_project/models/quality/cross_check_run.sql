-- one row per run and check across extracts: passed of checked (A of B, GB/T 36344)
{%- set checks = [
    "births_registered",
    "no_pension_after_death",
    "permits_published_in_time",
    "penalties_published_in_time",
    "licence_holders_known",
    "employers_registered",
    "promised_extracts_delivered",
    "mounted_resources_current",
    "open_data_listed",
] %}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "check_name"], "unique": true}],
    )
}}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

checks as (
    {% for name in checks -%}
    select
        '{{ name }}' as check_name,
        found.passed,
        found.checked
    from {{ ref("check_" ~ name) }} as found
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        run.run_id,
        checks.check_name,
        checks.passed,
        checks.checked
    from checks
    cross join run
)

select * from final
