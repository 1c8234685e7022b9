-- one row per legal entity or sole trader: the present state
{{ config(materialized="view") }}

with

present as (
    select * from {{ ref("entity_history") }}
    where valid_to is null and known_to is null
)

select
    present.entity_id,
    present.uscc,
    coalesce(present.is_uscc_valid, false) as is_uscc_valid,
    present.registration_no,
    present.tax_no,
    present.name,
    present.other_names,
    present.entity_kind,
    present.entity_type,
    present.legal_representative,
    present.registered_capital_cny,
    present.registered_capital_amount,
    present.registered_capital_currency,
    present.initial_fund_cny,
    present.fund_source,
    present.sponsor,
    present.established_on,
    present.operates_from,
    present.operates_to,
    present.status,
    present.cancelled_on,
    present.division_code,
    present.address,
    present.business_scope,
    present.industry_code,
    present.registration_authority,
    present.valid_from,
    present.known_from
from present
