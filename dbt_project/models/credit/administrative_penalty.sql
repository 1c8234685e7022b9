-- one row per administrative penalty decision and subject in force
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {"development_reform__administrative_penalty": {"roles": roles}} %}
{{ config(**by_record(contracts)) }}

with

records as (
    select record.*
    from {{ subject_records("development_reform__administrative_penalty", roles) }} as record
),

decided as (
    select
        records.*,
        (records.reported_at at time zone 'Asia/Shanghai')::date as reported_on
    from records
),

final as (
    select
        {{ subject_columns("development_reform__administrative_penalty", "decided") }},
        decided.document_no,
        decided.subject_kind,
        decided.subject_name,
        decided.subject_uscc,
        decided.subject_id_no,
        decided.legal_representative,
        decided.illegal_act,
        decided.fact,
        decided.basis,
        decided.penalty_kind,
        decided.content,
        (decided.fine_wan_cny * 10000)::numeric(24, 2) as fine_cny,
        (decided.confiscated_wan_cny * 10000)::numeric(24, 2) as confiscated_cny,
        decided.suspended_licence,
        decided.decided_on,
        decided.decided_on as in_force_from,
        least(
            {{ day_after("decided.valid_until") }},
            {{ day_after("decided.published_until") }},
            decided.repaired_on,
            case when decided.state in ({{ ended_states("penalty") }}) then decided._as_of end
        ) as in_force_until,
        decided.valid_until,
        decided.published_until,
        decided.repaired_on,
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
