-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"traffic_police__junction": "交通路口台账"} %}

with

junctions as (
    {{ major_junctions() }}
)

{{
    count_row(
        "epolice_junctions",
        "junctions",
        "junctions.junction_code",
        needs,
        only={"没有电子警察": "junctions.has_epolice"},
    )
}}
union all
{{ count_row("major_junctions", "junctions", "junctions.junction_code", needs) }}
