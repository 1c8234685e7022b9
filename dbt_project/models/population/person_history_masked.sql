-- one row per row of person_history, masked
{{ config(materialized="view") }}

{{ masked(ref("person_history")) }}
