-- one row per indicator of the current run as the canonical export shows it: no run id, no clock
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

graded as (
    select * from {{ ref("int_indicator__graded") }}
),

indicators as (
    select * from {{ ref("indicators") }}
),

operand_values as (
    select * from {{ ref("indicator_operand_run") }}
),

operands as (
    select
        operand_values.indicator_id,
        jsonb_object_agg(
            operand_values.operand,
            jsonb_strip_nulls(
                jsonb_build_object(
                    'value', operand_values.value,
                    'reason', operand_values.reason,
                    'period_used', operand_values.period_used,
                    'is_estimated', nullif(operand_values.is_estimated, false)
                )
            )
        ) as operands
    from operand_values
    inner join run on operand_values.run_id = run.run_id
    group by operand_values.indicator_id
),

final as (
    select
        run.as_of,
        indicators.seq,
        graded.indicator_id,
        indicators.name,
        indicators.table_name,
        indicators.lead_responsible,
        graded.value,
        graded.value_text,
        graded.star,
        graded.four_star_met,
        graded.five_star_met,
        graded.four_star_gap,
        graded.five_star_gap,
        graded.period_used,
        graded.is_estimated,
        graded.reason,
        graded.metric,
        operands.operands
    from graded
    cross join run
    inner join indicators on graded.indicator_id = indicators.indicator_id
    inner join operands on graded.indicator_id = operands.indicator_id
)

select * from final
