-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__publicity": "宣传体验登记"} %}

with

activities as (
    select distinct
        activity.activity_no,
        activity.kind
    from {{ in_force("big_data_center__publicity") }} as activity
    where
        activity.level in ('国家级', '省级')
        and {{ in_months_to_date("activity.held_on", 24) }}
)

{{
    operand_row(
        "activities",
        "select count(*) from activities where activities.kind = '宣传体验活动'",
        needs,
        period=months_to_date_period(24),
    )
}}
union all
{{
    operand_row(
        "province_hall_exhibits",
        "select count(*) from activities where activities.kind = '省数据大厅展示'",
        needs,
        period=months_to_date_period(24),
    )
}}
