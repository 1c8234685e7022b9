-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"housing_construction__public_building": "公共建筑能耗监测台账"} %}

with

-- 民法典 1259 条：“以上”包括本数
key_buildings as (
    {{
        counted(
            "housing_construction__public_building",
            "building",
            ["building.building_code", "building.has_submetering"],
            {
                "不在用": in_use("building.status"),
                "建筑面积不足 2 万平方米": "building.floor_area_sqm >= 20000",
            },
        )
    }}
)

{{ count_row("key_energy_buildings", "key_buildings", "key_buildings.building_code", needs) }}
union all
{{
    count_row(
        "submetered_key_buildings",
        "key_buildings",
        "key_buildings.building_code",
        needs,
        only={"没有分项计量": "key_buildings.has_submetering"},
    )
}}
