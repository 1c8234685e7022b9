-- one row per map sheet
{{ config(materialized="table") }}

{{ map_sheets("present") }}
