-- one row per person scored and day of scoring (海贝分), as received
{%- set roles = {"person": "person"} %}
{%- set contracts = {"development_reform__haibei_score": {"roles": roles, "is_grouped": true}} %}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_touched_records(" ~ contracts ~ ") }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}"],
        indexes=[
            {"columns": ["contract_id", "record_key"], "unique": true},
            {"columns": ["person_id"]},
        ],
    )
}}

with

scores as (
    select record.*
    from {{ subject_records("development_reform__haibei_score", roles, is_grouped=true) }} as record
),

bands as (
    select * from {{ ref("haibei_grades") }}
),

final as (
    select
        'development_reform__haibei_score' as contract_id,
        scores._record_key as record_key,
        scores.person_id,
        scores.entity_id,
        scores.unresolved_reason,
        scores.scored_on,
        scores.score,
        scores.grade,
        case
            when banded.grade is null then '分值在两个等级线之间，等级照报送'
            when scores.grade is null then '没有报送等级'
            when banded.grade <> scores.grade
                then concat('分值对应 ', banded.grade, ' 级，等级照报送')
        end as note,
        scores._as_of as stated_as_of,
        scores._batch_id as source_batch_id,
        scores._row_no as source_row_no
    from scores
    left join bands as banded
        on
            coalesce(scores.score >= banded.least_score, true)
            and coalesce(scores.score <= banded.greatest_score, true)
)

select * from final
