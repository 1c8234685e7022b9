-- one row per administrative permit decision and subject in force
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {"development_reform__administrative_permit": {"roles": roles}} %}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_touched_records(" ~ contracts ~ ") }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}"],
        indexes=[
            {"columns": ["contract_id", "record_key"], "unique": true},
            {"columns": ["person_id"]},
            {"columns": ["entity_id"]},
        ],
    )
}}

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
        'development_reform__administrative_permit' as contract_id,
        decided._record_key as record_key,
        decided.person_id,
        decided.entity_id,
        decided.unresolved_reason,
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
        decided._as_of as stated_as_of,
        decided._batch_id as source_batch_id,
        decided._row_no as source_row_no
    from decided
    {{ join_publication_days() }}
)

select * from final
