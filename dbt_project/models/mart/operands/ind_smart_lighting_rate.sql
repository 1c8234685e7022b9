-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"housing_construction__city_component": "城市部件普查信息"} %}

with

lights as (
    select
        component.component_code,
        bool_or(coalesce(component.is_smart_controlled, false)) as is_smart_controlled
    from {{ in_force("housing_construction__city_component") }} as component
    inner join {{ ref("lighting_components") }} as lighting on component.name = lighting.name
    where
        {{ in_use("component.status") }}
        and component.is_urban
    group by component.component_code
)

{{ operand_row("public_lights", "select count(*) from lights", needs) }}
union all
{{
    operand_row(
        "smart_controlled_public_lights",
        "select count(*) from lights where lights.is_smart_controlled",
        needs,
    )
}}
