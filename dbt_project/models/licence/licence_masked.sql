-- one row per electronic licence, masked
{{ config(materialized="view") }}

{{ masked(ref("licence")) }}
