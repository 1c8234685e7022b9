-- one row per person and number or alias that leads to it
-- depends_on: {{ ref("int_person__touched") }}
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "person_id"},
        incremental_strategy="append",
        full_refresh=false,
        pre_hook=["{{ library_memory() }}", "{{ remove_touched('person') }}"],
        post_hook=[
            "{{ index_identifiers('person') }}",
            "{{ analyze_whole() }}",
            "{{ remember_build('person') }}",
        ],
    )
}}

with

identified as (
    select * from {{ ref("int_person__identified") }}
)

select
    identified.person_id,
    identified.identifier_kind,
    identified.identifier,
    bool_or(identified.is_valid) as is_valid,
    min(identified.valid_from) as valid_from,
    case when count(*) = count(identified.valid_to) then max(identified.valid_to) end as valid_to,
    min(identified.batch_id) as first_batch_id
from identified
group by identified.person_id, identified.identifier_kind, identified.identifier
