-- one row per entry of a red or black list, or of the judgment debtors, in force
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {
    "development_reform__credit_list": {"roles": roles},
    "court__judgment_debtor": {"roles": roles},
} %}
{{ config(**by_record(contracts)) }}

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
        {{ subject_columns("development_reform__credit_list", "listed") }},
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
        {{ stated_columns("listed") }}
    from listed
    union all
    select
        {{ subject_columns("court__judgment_debtor", "debtors") }},
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
        {{ stated_columns("debtors") }}
    from debtors
)

select * from final
