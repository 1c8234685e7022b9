-- one row: pension payees, and those of them who were not paid for a month after their death
{{ config(materialized="view") }}

with

payees as (
    select * from {{ ref("pension_qualification") }}
),

final as (
    select
        count(*) filter (where coalesce(payees.months_paid_after_death, 0) = 0) as passed,
        count(*) as checked
    from payees
)

select * from final
