-- one row per run, indicator and star level (4, 5) that exists: what is missing to it
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "indicator_id", "star"], "unique": true}],
    )
}}

with

graded as (
    select * from {{ ref("int_indicator__graded") }}
),

levels as (
    select
        graded.run_id,
        graded.indicator_id,
        4::smallint as star,
        graded.four_star_met as is_met,
        graded.four_star_gap as gap,
        graded.four_star_conditions as conditions
    from graded
    where graded.four_star_conditions is not null
    union all
    select
        graded.run_id,
        graded.indicator_id,
        5::smallint as star,
        graded.five_star_met as is_met,
        graded.five_star_gap as gap,
        graded.five_star_conditions as conditions
    from graded
    where graded.five_star_conditions is not null
),

final as (
    select
        levels.run_id,
        levels.indicator_id,
        levels.star,
        levels.is_met,
        only_condition.value ->> 'operand' as operand,
        (only_condition.value ->> 'missing')::numeric as missing,
        only_condition.value ->> 'unit' as unit,
        levels.gap,
        levels.conditions
    from levels
    left join lateral jsonb_path_query(levels.conditions, '$[0]') as only_condition (value)
        on jsonb_array_length(levels.conditions) = 1
)

select * from final
