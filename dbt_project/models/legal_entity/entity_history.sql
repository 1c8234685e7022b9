-- one row per legal entity or sole trader, stretch of time and state of knowledge about it
-- depends_on: {{ ref("int_entity__touched") }}
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "entity_id"},
        incremental_strategy="append",
        full_refresh=false,
        pre_hook=["{{ library_memory() }}", "{{ supersede('entity') }}"],
        post_hook=[
            "{{ index_present('entity') }}",
            "{{ analyze_whole() }}",
            "{{ remember_build('entity') }}",
        ],
        indexes=[{"columns": ["entity_id", "valid_from"]}, {"columns": ["uscc"]}],
    )
}}

with

stated as (
    select * from {{ ref("int_entity__stated") }} as state
    where {{ is_news("entity", "state") }}
),

build as (
    select * from {{ ref("int_entity__build") }}
)

select
    stated.*,  -- noqa: AM04
    build.known_at as known_from,
    cast(null as bigint) as known_to
from stated
cross join build
