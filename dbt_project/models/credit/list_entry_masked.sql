-- one row per list entry, masked
{{ config(materialized="view") }}

{{ masked(ref("list_entry")) }}
