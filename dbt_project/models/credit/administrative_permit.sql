-- one row per administrative permit decision and subject in force
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {"development_reform__administrative_permit": {"roles": roles}} %}
{{ config(**by_record(contracts)) }}

with

records as (
    select record.*
    from {{ subject_records("development_reform__administrative_permit", roles) }} as record
),

decided as (
    select
        records.*,
        (records.reported_at at time zone 'Asia/Shanghai')::date as reported_on
    from records
),

final as (
    select
        {{ subject_columns("development_reform__administrative_permit", "decided") }},
        decided.document_no,
        decided.document_name,
        decided.subject_kind,
        decided.subject_name,
        decided.subject_uscc,
        decided.subject_id_no,
        decided.legal_representative,
        decided.permit_kind,
        decided.certificate_name,
        decided.permit_no,
        decided.content,
        decided.decided_on,
        coalesce(decided.valid_from, decided.decided_on) as in_force_from,
        least(
            {{ day_after("decided.valid_to") }},
            case when decided.state in ({{ ended_states("permit") }}) then decided._as_of end
        ) as in_force_until,
        decided.valid_to,
        decided.state,
        decided.authority_name,
        decided.authority_uscc,
        decided.reported_on,
        {{ publication_columns() }},
        {{ stated_columns("decided") }}
    from decided
    {{ join_publication_days() }}
)

select * from final
