-- one row per operand
{{ config(materialized="view") }}

{% set area = {"natural_resources__area": "区域面积"} %}
{% set register = {"meteorology__weather_station": "气象自动站"} %}

with

urban_areas as (
    {{ annual_area("城区") }}
),

figures as (
    {{ latest_common_year({"urban_area_km2": "urban_areas"}) }}
),

urban_stations as (
    select count(distinct station.station_no) as station_count
    from {{ in_force("meteorology__weather_station") }} as station
    where
        station.is_urban
        and {{ in_use("station.status") }}
        and {{ has_begun("station.enabled_on") }}
),

spacing as (
    select
        figures.year,
        urban_stations.station_count,
        sqrt(figures.urban_area_km2 / nullif(urban_stations.station_count, 0)) as spacing_km
    from urban_stations
    left join figures on true
)

{{ annual_operand_rows("figures", ["urban_area_km2"], area, "城区面积") }}
union all
{{
    operand_row(
        "urban_stations",
        "select urban_stations.station_count from urban_stations",
        register,
    )
}}
union all
{{
    operand_row(
        "urban_station_spacing_km",
        "select spacing.spacing_km from spacing",
        dict(area, **register),
        note="select case when spacing.year is null then '没有城区面积已公布、且已结束的年度'"
            ~ " when spacing.station_count = 0 then '城区没有在用的气象自动站' end from spacing",
        period="select spacing.year from spacing",
    )
}}
