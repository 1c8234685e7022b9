-- one row: employers that paid insurance in the latest month; those that are registered
{{ config(materialized="view") }}

with

latest as (
    select max(paid.period) as period
    from {{ source("raw", "human_resources__social_insurance") }} as paid
    where paid._closed_batch_id is null
),

employers as (
    select paid.uscc
    from {{ source("raw", "human_resources__social_insurance") }} as paid
    inner join latest on paid.period = latest.period
    where paid._closed_batch_id is null and paid.uscc is not null
    group by paid.uscc
),

known as (
    select entity.uscc
    from {{ ref("entity") }} as entity
    where entity.uscc is not null
    group by entity.uscc
),

final as (
    select
        count(known.uscc) as passed,
        count(*) as checked
    from employers
    left join known on employers.uscc = known.uscc
)

select * from final
