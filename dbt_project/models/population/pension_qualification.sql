-- one row per pension payee at the present date: alive, deceased or unknown, by what (社保待遇资格认证)
{{ config(materialized="view") }}

with

present as (
    select
        {{ present_date() }} as as_of,
        (
            select reading.default_value::integer
            from {{ ref("parameters") }} as reading
            where reading.name = 'life_evidence_window_days'
        ) as window_days
),

payees as (
    select * from {{ ref("int_pension_payee__evidence") }}
),

latest as (
    select max(payees.last_period) as period
    from payees
),

-- the newest evidence wins, a tie goes to what was noticed automatically
evident as (
    select
        payees.*,
        present.as_of,
        present.window_days,
        payees.last_period = latest.period as is_receiving,
        coalesce(payees.manual_on > payees.automatic_on, payees.automatic_on is null) as is_manual,
        payees.automatic_on > present.as_of - present.window_days as is_automatic_fresh,
        greatest(payees.automatic_on, payees.manual_on)
        > present.as_of - present.window_days as is_fresh
    from payees
    cross join present
    cross join latest
),

statuses as (
    select status.*
    from {{ ref("person_status") }} as status
    cross join present
    where
        status.valid_from <= present.as_of
        and coalesce(status.valid_to > present.as_of, true)
        and status.life_status = 'deceased'
),

final as (
    select
        evident.payee_id,
        evident.person_id,
        case
            when statuses.person_id is not null then 'deceased'
            when evident.is_fresh then 'alive'
            else 'unknown'
        end as qualification,
        case
            when statuses.person_id is not null or evident.is_fresh then null
            when evident.person_id is null then '未归并到人口基础库'
            when evident.automatic_on is null and evident.manual_on is null then '没有在世证据'
            else concat('最近的在世证据早于 ', evident.window_days, ' 天')
        end as unknown_reason,
        coalesce(
            statuses.life_reason_code,
            case when evident.is_manual then evident.manual_code else evident.automatic_code end
        ) as evidence_code,
        coalesce(
            statuses.life_contract_id,
            case
                when evident.is_manual then evident.manual_contract_id
                else evident.automatic_contract_id
            end
        ) as evidence_contract_id,
        case
            when statuses.person_id is not null then statuses.life_evidence_on
            when evident.is_manual then evident.manual_on
            else evident.automatic_on
        end as evidence_on,
        case
            when statuses.person_id is not null then statuses.life_batch_id
            when evident.is_manual then evident.manual_batch_id
            else evident.automatic_batch_id
        end as evidence_batch_id,
        case
            when statuses.person_id is not null then statuses.life_row_no
            when evident.is_manual then evident.manual_row_no
            else evident.automatic_row_no
        end as evidence_row_no,
        statuses.person_id is not null
        or coalesce(evident.is_automatic_fresh, false) as is_recognised_automatically,
        evident.is_receiving,
        evident.pension_count,
        evident.first_period,
        evident.last_period,
        statuses.death_date,
        (
            select count(*)
            from unnest(evident.paid_periods) as paid (period)
            where paid.period > to_char(statuses.death_date, 'YYYYMM')
        ) as months_paid_after_death,
        statuses.contradiction_code,
        statuses.contradiction_on
    from evident
    left join statuses on evident.person_id = statuses.person_id
)

select * from final
