-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"administrative_approval__service_item": "政务服务事项清单"} %}

with

items as (
    select
        item.item_code,
        bool_or(
            coalesce(item.uses_elicence, false)
            and item.elicence_key_kind in ('公民身份号码', '统一社会信用代码')
        ) as is_enabled
    from {{ in_force("administrative_approval__service_item") }} as item
    cross join {{ source("mart", "current_run") }} as run
    where
        {{ in_use("item.status") }}
        and coalesce(item.effective_on <= run.as_of, true)
    group by item.item_code
)

{{ operand_row("gov_service_items", "select count(*) from items", needs) }}
union all
{{
    operand_row(
        "elicense_enabled_items",
        "select count(*) from items where items.is_enabled",
        needs,
    )
}}
