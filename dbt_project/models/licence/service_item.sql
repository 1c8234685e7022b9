-- one row per government service item in force
{{ config(materialized="table", indexes=[{"columns": ["item_code"]}]) }}

with

items as (
    select *
    from {{ source("raw", "administrative_approval__service_item") }}
    where _closed_batch_id is null
),

final as (
    select
        items._record_key as record_key,
        items.item_code,
        items.item_name,
        items.item_kind,
        items.level as admin_level,
        items.department_name,
        items.is_on_application,
        items.uses_elicence,
        items.elicence_key_kind,
        items.is_online,
        items.is_mobile,
        coalesce(items.status, '在用') as status,
        items.effective_on,
        items._batch_id as source_batch_id,
        items._row_no as source_row_no
    from items
)

select * from final
