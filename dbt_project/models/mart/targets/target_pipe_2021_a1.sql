-- one row: pipelines under smart monitoring, as indicator 16 weighs them
{{ config(materialized="view") }}

{{ indicator_metric("pipeline_smart_monitoring_rate") }}
