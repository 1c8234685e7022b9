-- one row per row of person, masked
{{ config(materialized="view") }}

{{ masked(ref("person")) }}
