-- one row per person, stretch of time and state of knowledge about it
-- depends_on: {{ ref("int_person__touched") }}
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "person_id"},
        incremental_strategy="append",
        full_refresh=false,
        pre_hook=["{{ library_memory() }}", "{{ supersede('person') }}"],
        post_hook=[
            "{{ index_present('person') }}",
            "{{ analyze_whole() }}",
            "{{ remember_build('person') }}",
        ],
        indexes=[{"columns": ["person_id", "valid_from"]}, {"columns": ["household_no"]}],
    )
}}

with

stated as (
    select * from {{ ref("int_person__stated") }} as state
    where {{ is_news("person", "state") }}
),

build as (
    select * from {{ ref("int_person__build") }}
)

select
    stated.*,  -- noqa: AM04
    case
        when stated.id_no ~ '^8[123]0000' then '港澳台居民居住证'
        when length(stated.id_no) = 18 and stated.id_no like '9%' then '外国人永久居留身份证'
        when length(stated.id_no) = 18 then '居民身份证'
        when stated.id_no is not null then '护照或通行证'
    end as id_kind,
    build.known_at as known_from,
    cast(null as bigint) as known_to
from stated
cross join build
