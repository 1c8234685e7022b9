-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"housing_construction__public_building": "公共建筑能耗监测台账"} %}

with

key_buildings as (
    select
        building.building_code,
        bool_or(coalesce(building.has_submetering, false)) as has_submetering
    from {{ in_force("housing_construction__public_building") }} as building
    where
        {{ in_use("building.status") }}
        -- 民法典 1259 条：“以上”包括本数
        and building.floor_area_sqm >= 20000
    group by building.building_code
)

{{ operand_row("key_energy_buildings", "select count(*) from key_buildings", needs) }}
union all
{{
    operand_row(
        "submetered_key_buildings",
        "select count(*) from key_buildings where key_buildings.has_submetering",
        needs,
    )
}}
