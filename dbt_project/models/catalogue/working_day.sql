-- one row per calendar day 2019–2026: whether offices work, and how many working days have passed
{{ config(materialized="view") }}

with

exceptions as (
    select * from {{ ref("calendar_exceptions") }}
),

days as (
    select generated.day::date as day
    from
        generate_series(
            {{ calendar_start() }}, {{ calendar_end() }}, interval '1 day'
        ) as generated (day)
),

worked as (
    select
        days.day,
        coalesce(exceptions.is_working_day, extract(isodow from days.day) < 6) as is_working_day
    from days
    left join exceptions on days.day = exceptions.day
),

final as (
    select
        worked.day,
        worked.is_working_day,
        count(*) filter (where worked.is_working_day) over (order by worked.day) as working_day_no
    from worked
)

select * from final
