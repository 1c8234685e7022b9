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

sheets as (
    {{
        counted(
            "natural_resources__map_sheet",
            "sheet",
            ["sheet.area_in_planning_sqkm"],
            {
                "比例尺不是 1:1000 或 1:2000": "sheet.scale in ('1:1000', '1:2000')",
                "在同一坐标系的 1:2000 图幅之内": "not sheet.is_inside_coarser",
            },
            relation=ref("int_map_sheet__in_force"),
        )
    }}
)

{{ sum_row("mapped_area_km2", "sheets", "sheets.area_in_planning_sqkm", register) }}
union all
{{ annual_operand_rows("figures", {"planning_area_km2": "planning_areas"}, area, "城市规划区面积") }}
