-- one row per map sheet, at the run's clocks
{{ config(materialized="view") }}

{{ map_sheets("run") }}
