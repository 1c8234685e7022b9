-- one row per department: extracts that its contracts promise; those ever accepted
{{ config(materialized="view") }}

with

contracts as (
    select * from {{ source("catalogue", "contract") }}
),

delivered as (
    select
        batch.department,
        batch.extract
    from {{ source("quality", "batch") }} as batch
    cross join {{ source("mart", "current_run") }} as clock
    where batch.as_of <= clock.as_of and batch.applied_seq <= clock.known_at
    group by batch.department, batch.extract
),

final as (
    select
        contracts.department,
        count(delivered.extract) as passed,
        count(*) as checked,
        {{ examples("contracts.title", "delivered.extract is null", "contracts.contract_id") }}
    from contracts
    left join delivered
        on contracts.contract_id = delivered.department || '__' || delivered.extract
    group by contracts.department
)

select * from final
