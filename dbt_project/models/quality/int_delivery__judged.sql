-- one row per contract and as-of date: its latest judged delivery; a correction replaces
{{ config(materialized="view") }}

with

batches as (
    select * from {{ source("quality", "batch") }}
),

final as (
    select distinct on (batches.department, batches.extract, batches.as_of)
        batches.batch_id,
        batches.department || '__' || batches.extract as contract_id,
        batches.department,
        batches.as_of,
        date_trunc('month', batches.as_of)::date as month
    from batches
    where
        batches.status in ('accepted', 'accepted_with_issues', 'held')
        and batches.as_of is not null
    order by
        batches.department asc,
        batches.extract asc,
        batches.as_of asc,
        batches.batch_id desc
)

select * from final
