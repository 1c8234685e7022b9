-- one row: municipal items on application handled online from end to end, of all of them
{{ config(materialized="view") }}

{{ online_items() }}
