-- one row per extract and column of its latest accepted delivery: whether the contract names it
{{ config(materialized="view") }}

with

latest as (
    select distinct on (batch.department, batch.extract)
        batch.department,
        batch.department || '__' || batch.extract as contract_id,
        batch.batch_id,
        coalesce(batch.header_match -> 'columns', '[]') as listed
    from {{ source("quality", "batch") }} as batch
    where
        batch.applied_seq is not null
        and (quality.is_no_department() or quality.is_department(batch.department))
    order by
        batch.department asc,
        batch.extract asc,
        batch.as_of desc,
        batch.applied_seq desc
),

-- counters of rows and columns without a header are no information items
final as (
    select
        latest.contract_id,
        latest.department,
        latest.batch_id,
        delivered.column_no,
        delivered.stated ->> 'header' as header,
        delivered.stated ->> 'how' as how,
        delivered.stated ->> 'column' as column_name,
        delivered.stated ->> 'how' <> 'unknown' as is_catalogued
    from latest
    cross join jsonb_array_elements(latest.listed) with ordinality as delivered (stated, column_no)
    where delivered.stated ->> 'how' <> 'ignored'
)

select * from final
