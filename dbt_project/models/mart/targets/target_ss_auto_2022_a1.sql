-- one row: persons whose state is recognised automatically, of those concerned, at the run's clocks
{{ config(materialized="view") }}
{%- set pension = "human_resources__pension_payment" %}
{%- set people = "(select concerned.person_id from concerned)" %}
{%- set insurance = "human_resources__social_insurance" %}

with

clock as (
    select * from {{ source("mart", "current_run") }}
),

readings as (
    select
        {{ parameter("life_evidence_window_days") }}::integer as window_days,
        {{ parameter("state_recognition_population") }} as population,
        {{ parameter("own_verification_is_automatic") }} = 'yes' as counts_manual
),

payments as (
    select
        record.person_id,
        record.holder_id,
        record.period
    from {{ holder_records(pension, clocks="run") }} as record
),

contributions as (
    select
        record.person_id,
        record.holder_id,
        record.period
    from {{ holder_records(insurance, clocks="run") }} as record
    cross join readings
    where
        readings.population = 'insured'
        and record.insurance_type like '%养老保险'
        and record.status = '参保缴费'
),

-- those who receive, or pay, in the latest period delivered
concerned as (
    select
        payments.person_id,
        payments.holder_id
    from payments
    where payments.period = (select max(latest.period) from payments as latest)
    union
    select
        contributions.person_id,
        contributions.holder_id
    from contributions
    where contributions.period = (select max(latest.period) from contributions as latest)
),

deaths as (
    select record.person_id
    from {{ person_records("health__death_certificate", clocks="run") }} as record
    where
        (record.died_at at time zone 'Asia/Shanghai')::date <= record._as_of
        and record._issues @> '[{"rule": "born_before_died"}]' is false
    union
    select record.person_id
    from {{ person_records("civil_affairs__cremation", clocks="run") }} as record
    where
        record.cremated_on <= record._as_of
        and record._issues @> '[{"rule": "born_before_cremated"}]' is false
    union
    select record.person_id
    from {{ person_records("public_security__household_population", clocks="run") }} as record
    where
        record.cancelled_on <= record._as_of
        and record.cancel_reason ~ '{{ death_words() }}'
        and record._issues @> '[{"rule": "birth_before_cancelled"}]' is false
),

signs as (
    select
        sign.person_id,
        max(sign.signed_on) as signed_on
    from {{ latest_life_signs(people, clocks="run") }} as sign
    cross join readings
    where not sign.is_manual or readings.counts_manual
    group by sign.person_id
),

judged as (
    select
        concerned.holder_id,
        deaths.person_id is not null
        or coalesce(signs.signed_on > clock.as_of - readings.window_days, false) as is_recognised
    from concerned
    cross join clock
    cross join readings
    left join deaths on concerned.person_id = deaths.person_id
    left join signs on concerned.person_id = signs.person_id
),

counted as (
    select
        count(*) filter (where judged.is_recognised) as recognised_count,
        count(*) as concerned_count
    from judged
),

final as (
    select
        case
            when {{ delivered([pension]) }} then counted.recognised_count::numeric
        end as numerator,
        case
            when {{ delivered([pension]) }} then counted.concerned_count::numeric
        end as denominator,
        null::numeric as expected,
        case
            when not {{ delivered([pension]) }}
                then {{ not_delivered(["养老待遇发放信息"]) }}
            when counted.concerned_count = 0 then '没有待遇领取人员'
        end as reason
    from counted
)

select * from final
