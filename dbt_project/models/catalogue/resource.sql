-- one row per resource of the government information catalogue: the present state
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        pre_hook="{{ remove_outdated(ref('int_resource__stated'), 'resource_key') }}",
        indexes=[{"columns": ["resource_key"], "unique": true}, {"columns": ["resource_code"]}],
    )
}}

{{ select_missing(ref("int_resource__stated"), "resource_key") }}
