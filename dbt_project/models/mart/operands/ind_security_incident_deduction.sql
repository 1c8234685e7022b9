-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"cyberspace__security_incident": "失泄密事件登记"} %}

with

incidents as (
    select distinct incident.incident_no
    from {{ in_force("cyberspace__security_incident") }} as incident
    where
        incident.nature = '失泄密'
        and {{ in_year_to_date("incident.occurred_on") }}
)

{{
    operand_row(
        "incident_count",
        "select count(*) from incidents",
        needs,
        period=year_to_date_period(),
    )
}}
