-- one row per run and indicator
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "indicator_id"], "unique": true}],
    )
}}

with

graded as (
    select * from {{ ref("int_indicator__graded") }}
),

final as (
    select
        graded.run_id,
        graded.indicator_id,
        graded.metric,
        graded.value,
        graded.value_text,
        graded.star,
        graded.four_star_met,
        graded.five_star_met,
        graded.period_used,
        graded.is_estimated,
        graded.reason
    from graded
)

select * from final
