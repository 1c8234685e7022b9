-- one row: systems of protection level 2 assessed in the two years, of all of them
{{ config(materialized="view") }}

{{ assessed_systems(2, "第二级") }}
