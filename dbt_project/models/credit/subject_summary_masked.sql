-- one row per person or entity of the credit registers, masked
{{ config(materialized="view") }}

{{ masked(ref("subject_summary")) }}
