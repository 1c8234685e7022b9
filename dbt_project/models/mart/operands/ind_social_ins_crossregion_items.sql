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
    select distinct service.item_name
    from
        {{
            in_force_of_each(
                needs.keys() | list, ["item_name", "connected_on", "status"]
            )
        }} as service
    inner join listed_items on service.item_name = listed_items.name
    where
        {{ in_use("service.status") }}
        and {{ has_begun("service.connected_on") }}
)

{{ operand_row("networked_item_count", "select count(*) from networked", needs) }}
