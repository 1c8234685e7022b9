-- one row: planning area on maps of 1:1000 or 1:2000, as indicator 39 counts it
{{ config(materialized="view") }}

{{ indicator_metric("map_scale_coverage") }}
