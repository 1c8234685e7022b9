-- one row per run, check across extracts and department: passed of checked (A of B, GB/T 36344)
{#- of the owner named in expectations/suites/cross.yml; of each department that they speak of #}
{%- set of_owner = [
    "births_registered",
    "no_pension_after_death",
    "permits_published_in_time",
    "penalties_published_in_time",
    "licence_holders_known",
    "employers_registered",
    "mounted_resources_current",
    "open_data_listed",
] %}
{%- set of_each = [
    "promised_extracts_delivered",
    "columns_catalogued",
    "totals_agree",
    "near_own_history",
] %}
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "check_name", "department"], "unique": true}],
    )
}}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

checks as (
    {% for name in of_owner -%}
    select
        '{{ name }}' as check_name,
        '' as department,
        found.passed,
        found.checked,
        null as examples
    from {{ ref("check_" ~ name) }} as found
    union all
    {% endfor -%}
    {% for name in of_each -%}
    select
        '{{ name }}' as check_name,
        found.department,
        found.passed,
        found.checked,
        found.examples
    from {{ ref("check_" ~ name) }} as found
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        run.run_id,
        checks.check_name,
        checks.department,
        checks.passed,
        checks.checked,
        checks.examples
    from checks
    cross join run
)

select * from final
