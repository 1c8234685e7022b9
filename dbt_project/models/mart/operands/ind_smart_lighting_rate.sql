-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"housing_construction__city_component": "城市部件普查信息"} %}

with

lights as (
    {{
        counted(
            "housing_construction__city_component",
            "component",
            ["component.component_code", "component.is_smart_controlled"],
            {
                "不是公共照明": "component.component_kind = 'light'",
                "不在用": "component.is_in_use",
                "不在城区": "component.is_urban",
            },
            relation=ref("int_component__in_force"),
        )
    }}
)

{{ count_row("public_lights", "lights", "lights.component_code", needs) }}
union all
{{
    count_row(
        "smart_controlled_public_lights",
        "lights",
        "lights.component_code",
        needs,
        only={"不是智能控制": "lights.is_smart_controlled"},
    )
}}
