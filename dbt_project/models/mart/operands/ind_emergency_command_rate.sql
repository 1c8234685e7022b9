-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"emergency__incident": "突发事件台账"} %}

with

incidents as (
    {{
        counted(
            "emergency__incident",
            "incident",
            ["incident.incident_no", "incident.is_commanded_by_system", "incident.closed_on"],
            {
                "不在统计时段内": in_assessment_period(local_day("incident.occurred_at")),
                "不属于计入的事件类别": "incident.category in"
                ~ " ('自然灾害', '事故灾难', '社会安全事件') or (incident.category = '公共卫生事件' and "
                ~ parameter("public_health_incidents_count") ~ " = 'yes')",
            },
        )
    }}
)

{{
    count_row(
        "city_emergency_events",
        "incidents",
        "incidents.incident_no",
        needs,
        period=assessment_period(),
    )
}}
union all
{{
    count_row(
        "events_commanded_by_system",
        "incidents",
        "incidents.incident_no",
        needs,
        only={
            "没有通过系统指挥": "incidents.is_commanded_by_system",
            "评定日尚未办结": "incidents.closed_on <= " ~ as_of(),
        },
        period=assessment_period(),
    )
}}
