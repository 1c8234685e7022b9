-- one row: automatic monitoring of the environment, as indicator 12 weighs it
{{ config(materialized="view") }}

{{ indicator_metric("env_monitoring_rate") }}
