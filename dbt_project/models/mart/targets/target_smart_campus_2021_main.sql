-- one row: smart campuses of all schools, as indicator 7 counts them
{{ config(materialized="view") }}

{{ indicator_metric("smart_campus_coverage") }}
