-- one row per row of entity_identifier, masked
{{ config(materialized="view") }}

{{ masked(ref("entity_identifier")) }}
