-- one row per row of entity, masked
{{ config(materialized="view") }}

{{ masked(ref("entity")) }}
