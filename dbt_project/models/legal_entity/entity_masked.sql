-- one row per legal entity or sole trader, masked
{{ config(materialized="view") }}

{{ masked(ref("entity")) }}
