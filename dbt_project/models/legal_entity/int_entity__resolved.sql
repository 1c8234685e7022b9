-- one row per legal entity or sole trader in force at the run's clocks
{{ config(materialized="view") }}

with

enterprises as (
    select * from {{ in_force("market_regulation__enterprise") }} as enterprise
),

entity_keys as (
    select * from {{ ref("entity_key") }}
),

checked as (
    select
        enterprises.*,
        coalesce(
            enterprises.uscc ~ '^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$'
            and not coalesce(enterprises._issues @> '[{"rule": "uscc.check"}]', false),
            false
        ) as is_uscc_valid
    from enterprises
),

resolved as (
    select
        entity_keys.entity_id,
        checked.uscc,
        checked.is_uscc_valid,
        checked.registration_no,
        checked.name,
        case
            when left(checked.uscc, 2) = '92' or checked.entity_type like '%个体%' then '个体工商户'
            when left(checked.uscc, 2) = '93' or checked.entity_type like '%合作社%' then '农民专业合作社'
            else '企业'
        end as entity_kind,
        checked.entity_type,
        checked.legal_representative,
        checked.registered_capital as registered_capital_cny,
        checked.registered_capital_amount,
        checked.registered_capital_currency,
        checked.established_on,
        checked.operates_from,
        checked.operates_to,
        coalesce(checked.status, '在用') as status,
        checked.cancelled_on,
        coalesce(
            checked.division_code,
            case when checked.is_uscc_valid then substr(checked.uscc, 3, 6) end
        ) as division_code,
        checked.address,
        checked.business_scope,
        checked.industry_code,
        checked.registration_authority,
        'market_regulation__enterprise' as source_table,
        checked._batch_id as source_batch_id,
        checked._row_no as source_row_no
    from checked
    inner join entity_keys
        on
            checked._record_key = entity_keys.record_key
            and entity_keys.source_table = 'market_regulation__enterprise'
),

final as (
    select
        resolved.*,
        md5(resolved::text) as _row_hash
    from resolved
)

select * from final
