-- one row: information systems assessed in the year, of all that are not classified
{{ config(materialized="view") }}

{{ assessed_systems(1) }}
