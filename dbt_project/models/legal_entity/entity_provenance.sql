-- one row per entity and field that has a value: its winning cell, the rule, the values that lost
{{ config(materialized="view") }}

select * from {{ ref("int_entity__provenance") }}  -- noqa: AM04
