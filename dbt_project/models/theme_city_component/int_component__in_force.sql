-- one row per city component, at the run's clocks
{{ config(materialized="view") }}

{{ city_components("run") }}
