-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"emergency__incident": "突发事件台账"} %}

with

incidents as (
    select
        incident.incident_no,
        bool_or(
            coalesce(incident.is_commanded_by_system, false)
            and coalesce(incident.closed_on <= {{ as_of() }}, false)
        ) as is_commanded
    from {{ in_force("emergency__incident") }} as incident
    where
        {{ in_months_to_date(local_day("incident.occurred_at"), 12) }}
        and (
            incident.category in ('自然灾害', '事故灾难', '社会安全事件')
            or (
                incident.category = '公共卫生事件'
                and {{ parameter("public_health_incidents_count") }} = 'yes'
            )
        )
    group by incident.incident_no
)

{{
    operand_row(
        "city_emergency_events",
        "select count(*) from incidents",
        needs,
        period=months_to_date_period(12),
    )
}}
union all
{{
    operand_row(
        "events_commanded_by_system",
        "select count(*) from incidents where incidents.is_commanded",
        needs,
        period=months_to_date_period(12),
    )
}}
