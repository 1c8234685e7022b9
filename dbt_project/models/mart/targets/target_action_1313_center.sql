-- one row: command centres of which every project is complete
{{ config(materialized="view") }}

{{ completed_groups("指挥中心") }}
