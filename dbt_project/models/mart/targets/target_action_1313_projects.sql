-- one row: demonstration works of which every project is complete
{{ config(materialized="view") }}

{{ completed_groups("示范工程") }}
