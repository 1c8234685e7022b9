-- one row per operand
{{ config(materialized="view") }}

{% set area = {"natural_resources__area": "区域面积"} %}
{% set register = {"natural_resources__map_sheet": "地形图分幅索引"} %}

with

planning_areas as (
    {{ annual_area("城市规划区") }}
),

figures as (
    {{ latest_common_year({"planning_area_km2": "planning_areas"}) }}
),

map_sheets as (
    select delivered.*
    from {{ in_force("natural_resources__map_sheet") }} as delivered
    where delivered.scale in ('1:1000', '1:2000')
),

-- a 1:1000 sheet inside a 1:2000 sheet of the same crs shows nothing more
counted as (
    select sheet.area_in_planning_sqkm
    from map_sheets as sheet
    where
        sheet.scale = '1:2000'
        or not exists (
            select 1
            from map_sheets as coarse
            where
                coarse.scale = '1:2000'
                and coarse.crs = sheet.crs
                and coarse.min_x_m <= sheet.min_x_m
                and coarse.min_y_m <= sheet.min_y_m
                and coarse.max_x_m >= sheet.max_x_m
                and coarse.max_y_m >= sheet.max_y_m
        )
)

{{
    operand_row(
        "mapped_area_km2",
        "select coalesce(sum(counted.area_in_planning_sqkm), 0) from counted",
        register,
    )
}}
union all
{{ annual_operand_rows("figures", ["planning_area_km2"], area, "城市规划区面积") }}
