-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "human_resources__cross_region_service": "社保异地业务联网清单（市人力资源社会保障局）",
    "medical_security__cross_region_service": "社保异地业务联网清单（市医保局）",
} %}

with

listed_items as (
    select item.name
    from {{ ref("indicators") }} as indicators
    cross join
        jsonb_array_elements_text(indicators.formula -> 'listed_values') as item (name)
    where indicators.indicator_id = 'social_ins_crossregion_items'
),

networked as (
    {{
        counted(
            needs,
            "service",
            ["service.item_name"],
            {
                "不在计划列举的业务之中": "service.item_name in"
                ~ " (select listed_items.name from listed_items)",
                "不在用": in_use("service.status"),
                "评定日尚未联网": has_begun("service.connected_on"),
            },
            raw=["item_name", "connected_on", "status"],
        )
    }}
)

{{ count_row("networked_item_count", "networked", "networked.item_name", needs) }}
