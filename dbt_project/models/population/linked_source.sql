-- one row per contract and role that speaks of persons or entities
{{ config(materialized="view", schema="reference") }}

with

sources as (
    select * from {{ source("linkage", "source") }}
),

contracts as (
    select * from {{ source("catalogue", "contract") }}
)

select
    sources.source_id,
    sources.library,
    sources.contract_id,
    sources.role,
    coalesce(contracts.title, sources.contract_id) as title
from sources
left join contracts on sources.contract_id = contracts.contract_id
