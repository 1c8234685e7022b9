-- one row per person or legal entity that the credit registers speak of, at the present date
{{ config(materialized="view") }}

with

present as (
    select {{ present_date() }} as as_of
),

facts as (
    select
        person_id,
        entity_id,
        'permit' as kind,
        decided_on as dated_on,
        in_force_from,
        in_force_until,
        is_published_late
    from {{ ref("administrative_permit") }}
    union all
    select
        person_id,
        entity_id,
        'penalty' as kind,
        decided_on as dated_on,
        in_force_from,
        in_force_until,
        is_published_late
    from {{ ref("administrative_penalty") }}
    union all
    select
        person_id,
        entity_id,
        case
            when list_kind = '红名单' then 'red_list'
            when contract_id = 'court__judgment_debtor' then 'judgment_debtor'
            else 'black_list'
        end as kind,
        in_force_from as dated_on,
        in_force_from,
        in_force_until,
        null::boolean as is_published_late
    from {{ ref("list_entry") }}
),

judged as (
    select
        facts.kind,
        facts.dated_on,
        facts.is_published_late,
        coalesce(facts.person_id, facts.entity_id) as subject_id,
        case when facts.person_id is not null then 'person' else 'entity' end as subject_type,
        facts.in_force_from <= present.as_of
        and coalesce(present.as_of < facts.in_force_until, true) as is_in_force
    from facts
    cross join present
    where coalesce(facts.person_id, facts.entity_id) is not null
),

counted as (
    select
        judged.subject_type,
        judged.subject_id,
        count(*) filter (where judged.kind = 'permit') as permit_count,
        count(*) filter (
            where judged.kind = 'permit' and judged.is_in_force
        ) as permit_in_force_count,
        count(*) filter (where judged.kind = 'penalty') as penalty_count,
        count(*) filter (
            where judged.kind = 'penalty' and judged.is_in_force
        ) as penalty_in_force_count,
        count(*) filter (where judged.kind = 'red_list') as red_list_count,
        count(*) filter (
            where judged.kind = 'red_list' and judged.is_in_force
        ) as red_list_in_force_count,
        count(*) filter (where judged.kind = 'black_list') as black_list_count,
        count(*) filter (
            where judged.kind = 'black_list' and judged.is_in_force
        ) as black_list_in_force_count,
        count(*) filter (where judged.kind = 'judgment_debtor') as judgment_debtor_count,
        count(*) filter (
            where judged.kind = 'judgment_debtor' and judged.is_in_force
        ) as judgment_debtor_in_force_count,
        max(judged.dated_on) filter (where judged.kind = 'penalty') as latest_penalty_on,
        count(*) filter (where judged.is_published_late) as published_late_count
    from judged
    group by judged.subject_type, judged.subject_id
),

-- the latest score of each person
scores as (
    select distinct on (score.person_id)
        score.person_id,
        score.score,
        score.grade,
        score.scored_on
    from {{ ref("subject_score") }} as score
    where score.person_id is not null
    order by
        score.person_id asc,
        score.scored_on desc,
        score.source_batch_id desc,
        score.source_row_no desc
),

final as (
    select
        coalesce(counted.subject_type, 'person') as subject_type,
        coalesce(counted.subject_id, scores.person_id) as subject_id,
        coalesce(counted.permit_count, 0) as permit_count,
        coalesce(counted.permit_in_force_count, 0) as permit_in_force_count,
        coalesce(counted.penalty_count, 0) as penalty_count,
        coalesce(counted.penalty_in_force_count, 0) as penalty_in_force_count,
        coalesce(counted.red_list_count, 0) as red_list_count,
        coalesce(counted.red_list_in_force_count, 0) as red_list_in_force_count,
        coalesce(counted.black_list_count, 0) as black_list_count,
        coalesce(counted.black_list_in_force_count, 0) as black_list_in_force_count,
        coalesce(counted.judgment_debtor_count, 0) as judgment_debtor_count,
        coalesce(counted.judgment_debtor_in_force_count, 0) as judgment_debtor_in_force_count,
        counted.latest_penalty_on,
        coalesce(counted.published_late_count, 0) as published_late_count,
        scores.score as latest_score,
        scores.grade as latest_grade,
        scores.scored_on as latest_scored_on
    from counted
    full join scores
        on counted.subject_id = scores.person_id and counted.subject_type = 'person'
)

select * from final
