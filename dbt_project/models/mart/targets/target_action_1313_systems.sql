-- one row: supporting systems of which every project is complete
{{ config(materialized="view") }}

{{ completed_groups("支撑体系") }}
