-- one row per contract and period in which it is to be delivered
{{ config(materialized="view") }}

with

contracts as (
    select * from {{ source("catalogue", "contract") }}
),

cycles as (
    select * from {{ ref("collection_cycles") }}
),

working_days as (
    select * from {{ ref("working_day") }}
),

-- what arrived: read and judged, whether it was let in or held
batches as (
    select
        batch.batch_id,
        batch.department || '__' || batch.extract as contract_id,
        batch.as_of,
        batch.received_at,
        {{ local_day("batch.received_at") }} as received_on,
        batch.status in ('accepted', 'accepted_with_issues') as is_accepted
    from {{ source("quality", "batch") }} as batch
    where
        batch.status in ('accepted', 'accepted_with_issues', 'held')
        and batch.as_of is not null
),

-- the dates the city's deliveries speak for, and the day the first of them came
clock as (
    select
        min(batches.as_of) as since,
        max(batches.as_of) as as_of,
        min(batches.received_on) as first_received_on
    from batches
),

periods as (
    select
        contracts.contract_id,
        contracts.department,
        contracts.title,
        contracts.cycle,
        cycles.grace_working_days,
        period.starts_on::date as starts_on,
        (
            period.starts_on + make_interval(
                months => coalesce(cycles.months, 0), days => coalesce(cycles.days, 0)
            )
        )::date - 1 as ends_on
    from contracts
    inner join cycles on contracts.cycle = cycles.cycle
    cross join clock
    cross join lateral generate_series(
        case
            when cycles.days = 1 then clock.since::timestamp
            when cycles.days = 7 then date_trunc('week', clock.since::timestamp)
            else
                date_trunc('year', clock.since::timestamp)
                + make_interval(
                    months => (extract(month from clock.since)::integer - 1)
                    / cycles.months * cycles.months
                )
        end,
        clock.as_of::timestamp,
        make_interval(
            months => coalesce(cycles.months, 0), days => coalesce(cycles.days, 0)
        )
    ) as period (starts_on)
),

dated as (
    select
        periods.*,
        due_days.day as due_on
    from periods
    left join working_days as last_days on periods.ends_on = last_days.day
    left join working_days as due_days
        on
            last_days.working_day_no + periods.grace_working_days = due_days.working_day_no
            and due_days.is_working_day
),

arrivals as (
    select
        dated.contract_id,
        dated.starts_on,
        count(*) as delivery_count,
        min(batches.received_at) as first_received_at,
        min(batches.received_on) as first_received_on,
        bool_or(batches.is_accepted) as is_accepted
    from dated
    inner join batches
        on
            dated.contract_id = batches.contract_id
            and batches.as_of between dated.starts_on and dated.ends_on
    group by dated.contract_id, dated.starts_on
),

final as (
    select
        dated.contract_id,
        dated.department,
        dated.title,
        dated.cycle,
        dated.starts_on,
        dated.ends_on,
        dated.due_on,
        coalesce(arrivals.delivery_count, 0) as delivery_count,
        arrivals.first_received_at,
        coalesce(arrivals.is_accepted, false) as is_accepted,
        case
            when arrivals.first_received_on <= dated.due_on then '按时'
            when arrivals.contract_id is not null and dated.due_on < clock.first_received_on
                then '补报'
            when arrivals.contract_id is not null and dated.due_on is not null then '迟报'
            when arrivals.contract_id is not null then '期限未定'
            when dated.due_on <= clock.as_of then '未报'
            else '待报'
        end as state
    from dated
    cross join clock
    left join arrivals
        on dated.contract_id = arrivals.contract_id and dated.starts_on = arrivals.starts_on
    where quality.is_no_department() or quality.is_department(dated.department)
)

select * from final
