-- one row per operand
{{ config(materialized="view") }}

{% set line_register = {"bus_group__bus_line": "公交线路"} %}
{% set stop_register = {"bus_group__bus_stop": "公交站点与电子站牌"} %}

with

bus_lines as (
    {{
        counted(
            "bus_group__bus_line",
            "bus_line",
            ["bus_line.line_code", "bus_line.has_realtime_forecast"],
            {"不在用": in_use("bus_line.status")},
        )
    }}
),

urban_stops as (
    {{
        counted(
            "bus_group__bus_stop",
            "bus_stop",
            ["bus_stop.stop_code", "bus_stop.sign_kind"],
            {"不在用": in_use("bus_stop.status"), "不在城区": "bus_stop.is_urban"},
        )
    }}
)

{{ count_row("bus_lines", "bus_lines", "bus_lines.line_code", line_register) }}
union all
{{
    count_row(
        "realtime_forecast_lines",
        "bus_lines",
        "bus_lines.line_code",
        line_register,
        only={"没有来车信息实时预报": "bus_lines.has_realtime_forecast"},
    )
}}
union all
{{ count_row("urban_bus_stops", "urban_stops", "urban_stops.stop_code", stop_register) }}
union all
{{
    count_row(
        "esign_equivalent_stops",
        "urban_stops",
        "urban_stops.stop_code",
        stop_register,
        only={"没有电子站牌": "urban_stops.sign_kind = '电子站牌'"},
    )
}}
