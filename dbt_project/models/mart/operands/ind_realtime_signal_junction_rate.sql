-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"traffic_police__junction": "交通路口台账"} %}

with

junctions as (
    {{ major_junctions() }}
)

{{ count_row("major_junctions", "junctions", "junctions.junction_code", needs) }}
union all
{{
    count_row(
        "realtime_signal_junctions",
        "junctions",
        "junctions.junction_code",
        needs,
        only={"信号不是实时联网控制": "junctions.has_realtime_signal"},
    )
}}
