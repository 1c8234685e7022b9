-- one row: electronic licences in force, and those whose holder is a known person or entity
{{ config(materialized="view") }}

with

licences as (
    select * from {{ ref("licence") }}
),

final as (
    select
        count(*) filter (
            where licences.person_id is not null or licences.entity_id is not null
        ) as passed,
        count(*) as checked
    from licences
    where coalesce(licences.in_force_until > {{ as_of() }}, true)
)

select * from final
