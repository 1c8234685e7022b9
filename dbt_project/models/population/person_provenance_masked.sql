-- one row per row of person_provenance, masked
{{ config(materialized="view") }}

{{ masked(ref("person_provenance")) }}
