-- one row per person and period (half-open business dates, as known now): life and residence
-- On a date a person has the row with valid_from <= date and (valid_to is null or date < valid_to);
-- no row: nothing is known, both are unknown. The present is the macro present_date().
-- Passing time needs no recomputation: a permit that is going to expire has its row already.
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "person_id"},
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_changed('person') }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}"],
        indexes=[{"columns": ["person_id", "valid_from"], "unique": true}],
    )
}}
{%- set persons = changed_ids("person") if is_incremental() else none %}

with

evidence as (
    select
        stated.person_id,
        stated.evidence_code,
        stated.contract_id,
        stated.event_on,
        stated.valid_from,
        coalesce(stated.valid_to, date 'infinity') as valid_to,
        stated.batch_id,
        stated.row_no,
        kinds.life_status,
        kinds.life_rank,
        kinds.residence_status,
        kinds.residence_rank
    from {{ ref("int_person__status_evidence") }} as stated
    inner join {{ ref("status_evidence") }} as kinds
        on stated.evidence_code = kinds.evidence_code
    {%- if is_incremental() %}
    where stated.person_id in {{ persons }}
    {%- endif %}
),

bounds as (
    select
        evidence.person_id,
        evidence.valid_from as bound_on
    from evidence
    union
    select
        evidence.person_id,
        evidence.valid_to as bound_on
    from evidence
    where evidence.valid_to < date 'infinity'
),

periods as (
    select
        bounds.person_id,
        bounds.bound_on as valid_from,
        lead(bounds.bound_on, 1, date 'infinity') over (
            partition by bounds.person_id order by bounds.bound_on
        ) as valid_to
    from bounds
),

covered as (
    select
        periods.valid_from as period_from,
        periods.valid_to as period_to,
        evidence.*
    from periods
    inner join evidence
        on
            periods.person_id = evidence.person_id
            and periods.valid_from >= evidence.valid_from
            and periods.valid_from < evidence.valid_to
),

lives as (
    select distinct on (covered.person_id, covered.period_from) covered.*
    from covered
    order by
        covered.person_id asc,
        covered.period_from asc,
        covered.life_rank asc,
        covered.batch_id desc,
        covered.row_no desc
),

residences as (
    select distinct on (covered.person_id, covered.period_from) covered.*
    from covered
    where covered.residence_rank is not null
    order by
        covered.person_id asc,
        covered.period_from asc,
        covered.residence_rank asc,
        covered.batch_id desc,
        covered.row_no desc
),

deceased as (
    select distinct lives.person_id
    from lives
    where lives.life_status = 'deceased'
),

-- what shows a person alive who is stated dead: the latest
signs as (
    select distinct on (sign.person_id) sign.*
    from {{ life_signs("(select deceased.person_id from deceased)") }} as sign
    order by
        sign.person_id asc,
        sign.signed_on desc,
        sign.evidence_code asc,
        sign.batch_id desc,
        sign.row_no desc
),

final as (
    select
        lives.person_id,
        lives.period_from as valid_from,
        nullif(lives.period_to, date 'infinity') as valid_to,
        lives.life_status,
        lives.evidence_code as life_reason_code,
        lives.contract_id as life_contract_id,
        lives.batch_id as life_batch_id,
        lives.row_no as life_row_no,
        lives.event_on as life_evidence_on,
        case when lives.life_status = 'deceased' then lives.event_on end as death_date,
        case
            when lives.life_status = 'deceased' and lives.event_on is not null
                then
                    case lives.evidence_code
                        when 'death_certificate' then 'exact' else 'not_after'
                    end
        end as death_date_precision,
        case
            when lives.life_status = 'deceased' then 'unknown'
            else coalesce(residences.residence_status, 'unknown')
        end as residence_status,
        case
            when lives.life_status = 'deceased' then 'deceased'
            else residences.evidence_code
        end as residence_reason_code,
        residences.contract_id as residence_contract_id,
        residences.batch_id as residence_batch_id,
        residences.row_no as residence_row_no,
        residences.event_on as residence_evidence_on,
        signs.evidence_code as contradiction_code,
        signs.contract_id as contradiction_contract_id,
        signs.batch_id as contradiction_batch_id,
        signs.row_no as contradiction_row_no,
        signs.signed_on as contradiction_on
    from lives
    left join residences
        on lives.person_id = residences.person_id and lives.period_from = residences.period_from
    left join signs
        on
            lives.person_id = signs.person_id
            and lives.life_status = 'deceased'
            and lives.event_on < signs.signed_on
)

select * from final
