-- one row per entry of a red or black list, or of the judgment debtors, in force
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {
    "development_reform__credit_list": {"roles": roles},
    "court__judgment_debtor": {"roles": roles},
} %}
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

listed as (
    select record.*
    from {{ subject_records("development_reform__credit_list", roles) }} as record
),

debtors as (
    select record.*
    from {{ subject_records("court__judgment_debtor", roles) }} as record
),

final as (
    select
        'development_reform__credit_list' as contract_id,
        listed._record_key as record_key,
        listed.person_id,
        listed.entity_id,
        listed.unresolved_reason,
        listed.list_kind,
        listed.category,
        listed.document_no,
        null::text as subject_kind,
        listed.subject_name,
        listed.subject_uscc as subject_code,
        listed.subject_id_no,
        listed.authority_name,
        listed.decided_on as in_force_from,
        {{ day_after("listed.expires_on") }} as in_force_until,
        null::text as performance,
        null::date as removed_on,
        listed._as_of as stated_as_of,
        listed._batch_id as source_batch_id,
        listed._row_no as source_row_no
    from listed
    union all
    select
        'court__judgment_debtor' as contract_id,
        debtors._record_key as record_key,
        debtors.person_id,
        debtors.entity_id,
        debtors.unresolved_reason,
        '黑名单' as list_kind,
        '失信被执行人' as category,
        debtors.case_no as document_no,
        debtors.subject_kind,
        debtors.subject_name,
        debtors.uscc as subject_code,
        debtors.id_no as subject_id_no,
        debtors.court_name as authority_name,
        debtors.published_on as in_force_from,
        debtors.removed_on as in_force_until,
        debtors.performance,
        debtors.removed_on,
        debtors._as_of as stated_as_of,
        debtors._batch_id as source_batch_id,
        debtors._row_no as source_row_no
    from debtors
)

select * from final
