-- one row per government department at city level, the present state: does it share, why not
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        pre_hook="{{ remove_outdated(ref('int_department__sharing'), 'department_code') }}",
        indexes=[{"columns": ["department_code"], "unique": true}],
    )
}}

{{ select_missing(ref("int_department__sharing"), "department_code") }}
