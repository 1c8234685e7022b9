-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"housing_construction__city_component": "城市部件普查信息"} %}

with

lights as (
    select component.is_smart_controlled
    from {{ ref("int_component__in_force") }} as component
    where
        component.component_kind = 'light'
        and component.is_in_use
        and component.is_urban
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
