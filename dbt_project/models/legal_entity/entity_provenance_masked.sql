-- one row per row of entity_provenance, masked
{{ config(materialized="view") }}

{{ masked(ref("entity_provenance")) }}
