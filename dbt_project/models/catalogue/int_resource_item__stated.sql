-- one row per information item of a resource in force at the run's clocks
{{ config(materialized="view") }}

with

items as (
    select * from {{ in_force("big_data_center__resource_item") }} as item
),

stated as (
    select
        items._record_key as item_key,
        items.resource_code,
        items.item_name,
        items.item_type,
        items.item_length,
        items.is_key,
        items.sharing_type,
        items.level,
        items._batch_id as source_batch_id
    from items
),

final as (
    select
        stated.*,
        md5(stated::text) as _row_hash
    from stated
)

select * from final
