-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__publicity": "宣传体验登记"} %}

with

activities as (
    {{
        counted(
            "big_data_center__publicity",
            "activity",
            ["activity.activity_no", "activity.kind"],
            {
                "不是国家级或省级": "activity.level in ('国家级', '省级')",
                "不在截至评定日的两年内": in_months_to_date("activity.held_on", 24),
            },
        )
    }}
)

{{
    count_row(
        "activities",
        "activities",
        "activities.activity_no",
        needs,
        only={"不是宣传体验活动": "activities.kind = '宣传体验活动'"},
        period=months_to_date_period(24),
    )
}}
union all
{{
    count_row(
        "province_hall_exhibits",
        "activities",
        "activities.activity_no",
        needs,
        only={"不是省数据大厅展示": "activities.kind = '省数据大厅展示'"},
        period=months_to_date_period(24),
    )
}}
