-- one row per administrative penalty decision and subject, masked
{{ config(materialized="view") }}

{{ masked(ref("administrative_penalty")) }}
