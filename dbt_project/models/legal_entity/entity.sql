-- one row per legal entity or sole trader: the present state
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        pre_hook="{{ remove_outdated(ref('int_entity__resolved'), 'entity_id') }}",
        indexes=[{"columns": ["entity_id"], "unique": true}, {"columns": ["uscc"]}],
    )
}}

{{ select_missing(ref("int_entity__resolved"), "entity_id") }}
