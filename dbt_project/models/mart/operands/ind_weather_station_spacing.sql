-- one row per operand
{{ config(materialized="view") }}

{% set area = {"natural_resources__area": "区域面积"} %}
{% set register = {"meteorology__weather_station": "气象自动站"} %}
{% set annual = {"urban_area_km2": "urban_areas"} %}

with

urban_areas as (
    {{ annual_area("城区") }}
),

figures as (
    {{ latest_common_year(annual) }}
),

stations as (
    {{
        counted(
            "meteorology__weather_station",
            "station",
            ["station.station_no"],
            {
                "不在城区": "station.is_urban",
                "不在用": in_use("station.status"),
                "评定日尚未启用": has_begun("station.enabled_on"),
            },
        )
    }}
),

spacing as (
    select
        figures.year,
        counts.station_count,
        sqrt(figures.urban_area_km2 / nullif(counts.station_count, 0)) as spacing_km
    from (select count(distinct stations.station_no) as station_count from stations) as counts
    left join figures on true
)

{{ annual_operand_rows("figures", annual, area, "城区面积") }}
union all
{{ count_row("urban_stations", "stations", "stations.station_no", register) }}
union all
{{
    operand_row(
        "urban_station_spacing_km",
        "select spacing.spacing_km from spacing",
        dict(area, **register),
        note="select case when spacing.year is null then '没有城区面积已公布、且已结束的年度'"
            ~ " when spacing.station_count = 0 then '城区没有在用的气象自动站' end from spacing",
        period="select spacing.year from spacing",
        rows="stations",
    )
}}
