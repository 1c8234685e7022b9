-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"development_reform__credit_member_unit": "社会信用体系建设成员单位"} %}
{% set sharing = {
    "没有编制目录、接入平台并共享": "units.has_catalogue and units.is_connected and units.is_shared",
    "没有最近上报时间": "units.last_reported_at is not null",
    "最近上报距评定日超过时限": "units.working_days_since <= "
    ~ parameter("credit_realtime_working_days") ~ "::integer",
} %}

with

units as (
    {{
        counted(
            "development_reform__credit_member_unit",
            "unit",
            [
                "unit.unit_code",
                "unit.has_catalogue",
                "unit.is_connected",
                "unit.is_shared",
                "unit.last_reported_at",
                "today.working_day_no - reported.working_day_no as working_days_since",
            ],
            {"不在用": in_use("unit.status")},
            joins="left join " ~ ref("working_day") ~ " as today on today.day = " ~ as_of()
            ~ " left join " ~ ref("working_day") ~ " as reported on reported.day = greatest("
            ~ local_day("unit.last_reported_at") ~ ", " ~ calendar_start() ~ ")",
        )
    }}
),

undetermined as (
    select count(distinct units.unit_code) as unit_count
    from {{ those_of("units") }}
    where
        units.has_catalogue
        and units.is_connected
        and units.is_shared
        and units.last_reported_at is not null
        and units.working_days_since is null
)

{{ count_row("credit_system_units", "units", "units.unit_code", needs) }}
union all
{{
    operand_row(
        "credit_sharing_units",
        "select case when undetermined.unit_count = 0 then ("
            ~ count_of("units", "units.unit_code", sharing) ~ ") end from undetermined",
        needs,
        note="select case when undetermined.unit_count > 0 then '有 ' || undetermined.unit_count
            || ' 个单位的最近上报时间，工作日历不含评定日，无法判断是否实时' end from undetermined",
        rows="units",
        only=sharing,
    )
}}
