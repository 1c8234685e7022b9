-- one row per month in which periods ended and department; the city's has no department
{{ config(materialized="view") }}

with

collection as (
    select * from {{ ref("collection") }}
),

-- periods that came late to a system that was not there yet, or are not due yet, are not judged
judged as (
    select
        date_trunc('month', collection.ends_on)::date as month,
        collection.department,
        collection.state
    from collection
    where collection.state in ('按时', '迟报', '未报')
),

final as (
    select
        judged.month,
        judged.department,
        count(*) as promised,
        count(*) filter (where judged.state <> '未报') as arrived,
        count(*) filter (where judged.state = '按时') as on_time,
        {{ share("count(*) filter (where judged.state <> '未报')", "count(*)") }} as arrived_share,
        {{ share("count(*) filter (where judged.state = '按时')", "count(*)") }} as on_time_share
    from judged
    group by grouping sets ((judged.month, judged.department), (judged.month))
)

select * from final
