-- one row: systems of protection level 3 assessed in the year, of all of them
{{ config(materialized="view") }}

{{ assessed_systems(1, "第三级") }}
