-- one row per pension payee at the present date, masked
{{ config(materialized="view") }}

{{ masked(ref("pension_qualification")) }}
