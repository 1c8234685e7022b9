-- one row per household, masked
{{ config(materialized="view") }}

{{ masked(ref("household")) }}
