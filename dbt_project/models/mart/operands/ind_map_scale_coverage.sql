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

counted as (
    select sheet.area_in_planning_sqkm
    from {{ ref("int_map_sheet__in_force") }} as sheet
    where
        sheet.scale in ('1:1000', '1:2000')
        and not sheet.is_inside_coarser
)

{{
    operand_row(
        "mapped_area_km2",
        "select coalesce(sum(counted.area_in_planning_sqkm), 0) from counted",
        register,
    )
}}
union all
{{ annual_operand_rows("figures", {"planning_area_km2": "planning_areas"}, area, "城市规划区面积") }}
