-- one row per person and day of scoring, masked
{{ config(materialized="view") }}

{{ masked(ref("subject_score")) }}
