-- one row per category that must be opened, the present state: is it open, why not
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        pre_hook="{{ remove_outdated(ref('int_category__opening'), 'category') }}",
        indexes=[{"columns": ["category"], "unique": true}],
    )
}}

{{ select_missing(ref("int_category__opening"), "category") }}
