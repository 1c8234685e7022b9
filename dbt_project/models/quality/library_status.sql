-- one row per base library
{%- set persons = [
    "id_no", "name", "sex_code", "ethnicity_code", "birth_date", "education_code", "marital_status",
    "household_no", "registered_address", "current_address",
] %}
{%- set entities = [
    "uscc", "name", "entity_kind", "legal_representative", "address", "registered_capital_cny",
    "established_on", "registration_authority", "status", "industry_code",
] %}
{%- set credit = [
    "administrative_permit", "administrative_penalty", "list_entry", "subject_score",
] %}
{{ config(materialized="table", tags=["follows_libraries"]) }}

with

sources as (
    select
        source.library,
        source.contract_id
    from {{ source("linkage", "source") }} as source
    group by source.library, source.contract_id
),

batches as (
    select * from {{ source("quality", "batch") }}
),

freshness as (
    select
        sources.library,
        max(batches.as_of) as fresh_as_of
    from sources
    inner join batches on sources.contract_id = batches.department || '__' || batches.extract
    where batches.applied_seq is not null
    group by sources.library
),

person_mentions as (
    select
        count(*) as mentions,
        count(link.person_id) as resolved
    from {{ source("linkage", "person_mention") }} as mention
    left join {{ source("linkage", "person_link") }} as link
        on mention.source_id = link.source_id and mention.mention_key = link.mention_key
),

entity_mentions as (
    select
        count(*) as mentions,
        count(link.entity_id) as resolved
    from {{ source("linkage", "entity_mention") }} as mention
    left join {{ source("linkage", "entity_link") }} as link
        on mention.source_id = link.source_id and mention.mention_key = link.mention_key
),

persons as (
    select
        count(*) as records,
        {{ core_items_filled("person", persons) }} as core_items_filled
    from {{ ref("person") }} as person
),

entities as (
    select
        count(*) as records,
        {{ core_items_filled("entity", entities) }} as core_items_filled
    from {{ ref("entity") }} as entity
),

credit_records as (
    {% for name in credit -%}
    select
        record.person_id,
        record.entity_id
    from {{ ref(name) }} as record
    {{ "union all" if not loop.last }}
    {% endfor %}
),

credit as (
    select
        count(*) as records,
        count(*) filter (
            where credit_records.person_id is not null or credit_records.entity_id is not null
        ) as resolved
    from credit_records
),

licences as (
    select
        count(*) as records,
        count(*) filter (
            where licence.person_id is not null or licence.entity_id is not null
        ) as resolved
    from {{ ref("licence") }} as licence
),

stated as (
    select
        1 as seq,
        'population' as library,
        '人口库' as title,
        persons.records,
        persons.core_items_filled,
        person_mentions.mentions,
        person_mentions.resolved
    from persons
    cross join person_mentions
    union all
    select
        2 as seq,
        'legal_entity' as library,
        '法人库' as title,
        entities.records,
        entities.core_items_filled,
        entity_mentions.mentions,
        entity_mentions.resolved
    from entities
    cross join entity_mentions
    union all
    select
        3 as seq,
        'credit' as library,
        '信用库' as title,
        credit.records,
        null as core_items_filled,
        credit.records as mentions,
        credit.resolved
    from credit
    union all
    select
        4 as seq,
        'licence' as library,
        '证照库' as title,
        licences.records,
        null as core_items_filled,
        licences.records as mentions,
        licences.resolved
    from licences
),

final as (
    select
        stated.seq,
        stated.library,
        stated.title,
        stated.records,
        stated.core_items_filled,
        freshness.fresh_as_of,
        stated.mentions,
        stated.resolved,
        {{ share("stated.resolved", "stated.mentions") }} as resolved_share
    from stated
    left join freshness on stated.library = freshness.library
)

select * from final
