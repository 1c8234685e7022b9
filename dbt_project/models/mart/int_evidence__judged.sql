-- one row per piece of evidence for a checklist, at the run's clocks: whether it supports its item
{{ config(materialized="view") }}

with

final as (
    select
        material.indicator_id,
        material.item_code,
        'big_data_center__evidence' as contract_id,
        material._batch_id as source_batch_id,
        material._row_no as source_row_no,
        {{ has_begun("material.issued_on") }} as is_issued,
        case
            when not {{ has_begun("material.issued_on") }} then '评定日尚未出具'
            when material.is_satisfied is not true then '评定为不满足'
            when {{ has_ended("material.expires_on") }} then '已失效'
        end as exclusion
    from {{ in_force("big_data_center__evidence") }} as material
)

select * from final
