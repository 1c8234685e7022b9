-- one row per legal entity and identifier that leads to it
{{ config(materialized="view") }}

with

entities as (
    select * from {{ ref("entity") }}
),

final as (
    select
        entities.entity_id,
        '统一社会信用代码' as identifier_kind,
        entities.uscc as identifier,
        entities.is_uscc_valid as is_valid,
        entities.source_table,
        entities.source_batch_id
    from entities
    where entities.uscc is not null
    union all
    select
        entities.entity_id,
        '注册号' as identifier_kind,
        entities.registration_no as identifier,
        true as is_valid,
        entities.source_table,
        entities.source_batch_id
    from entities
    where entities.registration_no is not null
    union all
    select
        entities.entity_id,
        '组织机构代码' as identifier_kind,
        substr(entities.uscc, 9, 9) as identifier,
        true as is_valid,
        entities.source_table,
        entities.source_batch_id
    from entities
    where entities.is_uscc_valid
)

select * from final
