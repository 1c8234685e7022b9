-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"bus_group__ridership": "公交客流日汇总"} %}
{% set paid = {"不是电子支付": "rides.payment_kind in ('一卡通', '移动支付', 'NFC')"} %}

with

-- one key stated twice in a delivery keeps both rows; the later one is the figure
rides as (
    {{
        counted(
            "bus_group__ridership",
            "ride",
            ["ride.trips", "ride.payment_kind", "ride.is_estimated"],
            {
                "不是城区客流": "ride.is_urban",
                "不在评定日所在年度内": in_year_to_date("ride.ride_date"),
            },
            one_per=["ride.ride_date", "coalesce(ride.payment_kind, ride._record_key::text)"],
        )
    }}
)

{{
    sum_row(
        "transit_trips",
        "rides",
        "rides.trips",
        needs,
        period=year_to_date_period(),
        is_estimated="select coalesce(bool_or(rides.is_estimated), false) from rides",
    )
}}
union all
{{
    sum_row(
        "epay_trips",
        "rides",
        "rides.trips",
        needs,
        only=paid,
        period=year_to_date_period(),
        is_estimated="select coalesce(bool_or(rides.is_estimated), false) from rides"
            ~ where_all(paid),
    )
}}
