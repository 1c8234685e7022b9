-- one row per month and department that was scored
{{ config(materialized="view") }}

with

scores as (
    select * from {{ ref("month_score") }}
),

rates as (
    select * from {{ ref("collection_rate") }}
),

final as (
    select
        scores.month,
        scores.department,
        scores.score,
        scores.is_passed,
        scores.gained,
        rank() over (partition by scores.month order by scores.score desc) as place,
        count(*) over (partition by scores.month) as departments,
        rates.on_time_share
    from scores
    left join rates on scores.month = rates.month and scores.department = rates.department
    where scores.subject_kind = 'department' and scores.indicator = 'total'
)

select * from final
