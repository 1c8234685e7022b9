-- one row per operand
{{ config(materialized="view") }}

{% set line_register = {"bus_group__bus_line": "公交线路"} %}
{% set stop_register = {"bus_group__bus_stop": "公交站点与电子站牌"} %}

with

bus_lines as (
    select
        bus_line.line_code,
        bool_or(coalesce(bus_line.has_realtime_forecast, false)) as has_forecast
    from {{ in_force("bus_group__bus_line") }} as bus_line
    where {{ in_use("bus_line.status") }}
    group by bus_line.line_code
),

urban_stops as (
    select
        bus_stop.stop_code,
        bool_or(coalesce(bus_stop.sign_kind = '电子站牌', false)) as has_esign
    from {{ in_force("bus_group__bus_stop") }} as bus_stop
    where
        {{ in_use("bus_stop.status") }}
        and bus_stop.is_urban
    group by bus_stop.stop_code
)

{{ operand_row("bus_lines", "select count(*) from bus_lines", line_register) }}
union all
{{
    operand_row(
        "realtime_forecast_lines",
        "select count(*) from bus_lines where bus_lines.has_forecast",
        line_register,
    )
}}
union all
{{ operand_row("urban_bus_stops", "select count(*) from urban_stops", stop_register) }}
union all
{{
    operand_row(
        "esign_equivalent_stops",
        "select count(*) from urban_stops where urban_stops.has_esign",
        stop_register,
    )
}}
