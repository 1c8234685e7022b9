-- one row per run and dated target of the plan (65): actual value, where it comes from, status
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "target_id"], "unique": true}],
    )
}}

with

judged as (
    select * from {{ ref("int_plan_target__judged") }}
),

final as (
    select
        judged.run_id,
        judged.target_id,
        judged.seq,
        judged.metric,
        judged.operator,
        judged.target_value,
        judged.unit,
        judged.due,
        judged.start_on,
        judged.due_on,
        judged.kind,
        judged.responsible,
        judged.source,
        judged.quote,
        judged.contradictions,
        judged.note,
        judged.value_source,
        judged.numerator,
        judged.denominator,
        judged.value,
        judged.value_unit,
        judged.least_value,
        judged.reported_value,
        judged.reported_state,
        judged.reported_on,
        judged.difference,
        judged.is_met,
        judged.status,
        judged.is_expected_met,
        judged.reached_share,
        judged.reason
    from judged
)

select * from final
