-- one row per department and segment, at the run's clocks
{{ config(materialized="view") }}

{{ pipelines("run") }}
