-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"traffic_police__junction": "交通路口台账"} %}

with

junctions as (
    select * from {{ ref("int_junction__major") }}
)

{{
    operand_row(
        "epolice_junctions",
        "select count(*) from junctions where junctions.has_epolice",
        needs,
    )
}}
union all
{{ operand_row("major_junctions", "select count(*) from junctions", needs) }}
