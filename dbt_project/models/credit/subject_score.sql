-- one row per person scored and day of scoring (海贝分), as received
{%- set roles = {"person": "person"} %}
{%- set contracts = {"development_reform__haibei_score": {"roles": roles, "is_grouped": true}} %}
{{ config(**by_record(contracts, columns=["person_id"])) }}

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
        {{ subject_columns("development_reform__haibei_score", "scores") }},
        scores.scored_on,
        scores.score,
        scores.grade,
        case
            when banded.grade is null then '分值在两个等级线之间，等级照报送'
            when scores.grade is null then '没有报送等级'
            when banded.grade <> scores.grade
                then concat('分值对应 ', banded.grade, ' 级，等级照报送')
        end as note,
        {{ stated_columns("scores") }}
    from scores
    left join bands as banded
        on
            coalesce(scores.score >= banded.least_score, true)
            and coalesce(scores.score <= banded.greatest_score, true)
)

select * from final
