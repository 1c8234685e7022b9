-- one row per mention in doubt and entity that may be meant
{{ config(materialized="view", alias="link_review") }}

with

review as (
    select * from {{ source("linkage", "review") }}
    where library = 'legal_entity'
),

sources as (
    select * from {{ source("linkage", "source") }}
),

mentions as (
    select * from {{ source("linkage", "entity_mention") }}
)

select
    sources.contract_id,
    sources.role,
    review.mention_key,
    review.candidate_id,
    review.reason,
    review.weight,
    mentions.batch_id,
    mentions.row_no,
    mentions.name,
    mentions.uscc,
    mentions.legal_representative
from review
inner join sources on review.source_id = sources.source_id
left join mentions
    on review.source_id = mentions.source_id and review.mention_key = mentions.mention_key
