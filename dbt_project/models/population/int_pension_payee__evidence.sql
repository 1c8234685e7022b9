-- one row per pension payee (person, or holder linked to nobody): payments, latest signs of life
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "payee_id"},
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_changed('person', with_nobody=true) }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}"],
        indexes=[{"columns": ["payee_id"], "unique": true}, {"columns": ["person_id"]}],
    )
}}
{%- set persons = changed_ids("person") if is_incremental() else none %}
{%- set contract_id = "human_resources__pension_payment" %}

with

payments as (
    select record.*
    from {{ holder_records(contract_id, persons=persons) }} as record
),

payees as (
    select
        payments.holder_id as payee_id,
        payments.person_id,
        count(distinct payments.pension_no) as pension_count,
        min(payments.period) as first_period,
        max(payments.period) as last_period,
        array_agg(distinct payments.period order by payments.period) as paid_periods
    from payments
    group by payments.holder_id, payments.person_id
),

signs as (
    select sign.*
    from {{ latest_life_signs(linked_persons(contract_id, persons=persons)) }} as sign
),

final as (
    select
        payees.payee_id,
        payees.person_id,
        payees.pension_count,
        payees.first_period,
        payees.last_period,
        payees.paid_periods,
        automatic.evidence_code as automatic_code,
        automatic.contract_id as automatic_contract_id,
        automatic.signed_on as automatic_on,
        automatic.batch_id as automatic_batch_id,
        automatic.row_no as automatic_row_no,
        manual.evidence_code as manual_code,
        manual.contract_id as manual_contract_id,
        manual.signed_on as manual_on,
        manual.batch_id as manual_batch_id,
        manual.row_no as manual_row_no
    from payees
    left join signs as automatic
        on payees.person_id = automatic.person_id and not automatic.is_manual
    left join signs as manual
        on payees.person_id = manual.person_id and manual.is_manual
)

select * from final
