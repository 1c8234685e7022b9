-- one row per administrative permit decision and subject, masked
{{ config(materialized="view") }}

{{ masked(ref("administrative_permit")) }}
