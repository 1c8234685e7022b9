-- one row per information item of a resource: the present state
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        pre_hook="{{ remove_outdated(ref('int_resource_item__stated'), 'item_key') }}",
        indexes=[{"columns": ["item_key"], "unique": true}, {"columns": ["resource_code"]}],
    )
}}

{{ select_missing(ref("int_resource_item__stated"), "item_key") }}
