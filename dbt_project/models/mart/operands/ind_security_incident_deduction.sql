-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"cyberspace__security_incident": "失泄密事件登记"} %}

with

incidents as (
    {{
        counted(
            "cyberspace__security_incident",
            "incident",
            ["incident.incident_no"],
            {
                "不是失泄密事件": "incident.nature = '失泄密'",
                "不在评定日所在年度内": in_year_to_date("incident.occurred_on"),
            },
        )
    }}
)

{{
    count_row(
        "incident_count",
        "incidents",
        "incidents.incident_no",
        needs,
        period=year_to_date_period(),
    )
}}
