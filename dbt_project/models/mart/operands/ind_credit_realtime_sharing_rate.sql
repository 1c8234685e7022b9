-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"development_reform__credit_member_unit": "社会信用体系建设成员单位"} %}

with

working_days as (
    select * from {{ ref("working_day") }}
),

units as (
    select
        unit.unit_code,
        bool_or(
            coalesce(unit.has_catalogue and unit.is_connected and unit.is_shared, false)
            and unit.last_reported_at is not null
            and today.working_day_no - reported.working_day_no
            <= {{ parameter("credit_realtime_working_days") }}::integer
        ) as is_sharing,
        bool_or(
            coalesce(unit.has_catalogue and unit.is_connected and unit.is_shared, false)
            and unit.last_reported_at is not null
            and (today.working_day_no is null or reported.working_day_no is null)
        ) as is_undetermined
    from {{ in_force("development_reform__credit_member_unit") }} as unit
    left join working_days as today on today.day = {{ as_of() }}
    left join working_days as reported
        on reported.day = greatest({{ local_day("unit.last_reported_at") }}, {{ calendar_start() }})
    where {{ in_use("unit.status") }}
    group by unit.unit_code
),

counts as (
    select
        count(*) as unit_count,
        count(*) filter (where units.is_sharing) as sharing_count,
        count(*) filter (where units.is_undetermined) as undetermined_count
    from units
)

{{ operand_row("credit_system_units", "select counts.unit_count from counts", needs) }}
union all
{{
    operand_row(
        "credit_sharing_units",
        "select case when counts.undetermined_count = 0 then counts.sharing_count end from counts",
        needs,
        note="select case when counts.undetermined_count > 0 then '有 ' || counts.undetermined_count
            || ' 个单位的最近上报时间，工作日历不含评定日，无法判断是否实时' end from counts",
    )
}}
