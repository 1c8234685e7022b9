-- one row per kind of area, division and year, at the run's clocks
{{ config(materialized="view") }}

{{ areas("run") }}
