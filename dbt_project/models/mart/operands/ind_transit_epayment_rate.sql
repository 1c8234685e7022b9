-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"bus_group__ridership": "公交客流日汇总"} %}

with

-- one key stated twice in a delivery keeps both rows; the later one is the figure
rides as (
    select distinct on (ride.ride_date, coalesce(ride.payment_kind, ride._record_key::text))
        ride.trips,
        ride.payment_kind,
        coalesce(ride.is_estimated, false) as is_estimated
    from {{ in_force("bus_group__ridership") }} as ride
    where
        ride.is_urban
        and {{ in_year_to_date("ride.ride_date") }}
    order by
        ride.ride_date asc,
        coalesce(ride.payment_kind, ride._record_key::text) asc,
        ride._applied_seq desc,
        ride._row_no desc
),

totals as (
    select
        coalesce(sum(rides.trips), 0) as trips,
        coalesce(
            sum(rides.trips) filter (where rides.payment_kind in ('一卡通', '移动支付', 'NFC')), 0
        ) as epay_trips,
        coalesce(bool_or(rides.is_estimated), false) as is_estimated,
        coalesce(
            bool_or(rides.is_estimated) filter (
                where rides.payment_kind in ('一卡通', '移动支付', 'NFC')
            ),
            false
        ) as is_epay_estimated
    from rides
)

{{
    operand_row(
        "transit_trips",
        "select totals.trips from totals",
        needs,
        period=year_to_date_period(),
        is_estimated="select totals.is_estimated from totals",
    )
}}
union all
{{
    operand_row(
        "epay_trips",
        "select totals.epay_trips from totals",
        needs,
        period=year_to_date_period(),
        is_estimated="select totals.is_epay_estimated from totals",
    )
}}
