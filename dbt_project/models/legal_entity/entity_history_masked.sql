-- one row per row of entity_history, masked
{{ config(materialized="view") }}

{{ masked(ref("entity_history")) }}
