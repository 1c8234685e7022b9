-- one row: penalties whose publication can be timed; those published in 7 working days
{{ config(materialized="view") }}

with

decisions as (
    select * from {{ ref("administrative_penalty") }}
),

final as (
    select
        count(*) filter (where not decisions.is_published_late) as passed,
        count(decisions.is_published_late) as checked
    from decisions
)

select * from final
