-- one row per row of person_identifier, masked
{{ config(materialized="view") }}

{{ masked(ref("person_identifier")) }}
