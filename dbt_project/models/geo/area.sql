-- one row per kind of area, division and year
{{ config(materialized="table") }}

{{ areas("present") }}
