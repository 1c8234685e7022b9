-- one row: service items that can be looked up or handled on a phone
{{ config(materialized="view") }}

{{ mobile_items() }}
