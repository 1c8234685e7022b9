-- one row per person and period: life and residence, masked
{{ config(materialized="view") }}

{{ masked(ref("person_status")) }}
