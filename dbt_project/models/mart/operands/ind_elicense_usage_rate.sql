-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"administrative_approval__service_item": "政务服务事项清单"} %}

with

items as (
    {{
        counted(
            "administrative_approval__service_item",
            "item",
            ["item.item_code", "item.uses_elicence", "item.elicence_key_kind"],
            {
                "不在用": in_use("item.status"),
                "评定日尚未生效": has_begun("item.effective_on"),
            },
        )
    }}
)

{{ count_row("gov_service_items", "items", "items.item_code", needs) }}
union all
{{
    count_row(
        "elicense_enabled_items",
        "items",
        "items.item_code",
        needs,
        only={
            "没有使用电子证照": "items.uses_elicence",
            "电子证照不以公民身份号码或统一社会信用代码为标识": "items.elicence_key_kind in"
            ~ " ('公民身份号码', '统一社会信用代码')",
        },
    )
}}
