-- one row: how far this build of the library goes, and whether it computes everything
{{ config(materialized="table", unlogged=true) }}

{{ select_build("entity", ["entity_history", "entity_identifier"]) }}
