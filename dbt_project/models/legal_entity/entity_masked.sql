-- one row per legal entity or sole trader, persons' names masked
{{ config(materialized="view") }}

with

entities as (
    select * from {{ ref("entity") }}
),

final as (
    select
        entities.entity_id,
        entities.uscc,
        entities.name,
        entities.entity_kind,
        rpad(
            left(entities.legal_representative, 1),
            greatest(char_length(entities.legal_representative), 2),
            '*'
        ) as legal_representative,
        entities.registered_capital_cny,
        entities.established_on,
        entities.status,
        entities.division_code,
        entities.industry_code,
        entities.registration_authority
    from entities
)

select * from final
