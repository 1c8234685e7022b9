-- one row per indicator of the current run: metrics, stars and what is missing
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

indicators as (
    select * from {{ ref("indicators") }}
),

operand_values as (
    select * from {{ ref("indicator_operand_run") }}
),

operands as (
    select
        operand_values.run_id,
        operand_values.indicator_id,
        jsonb_object_agg(
            operand_values.operand,
            definition.value || jsonb_build_object(
                'value', operand_values.value, 'reason', operand_values.reason
            )
        ) as operands,
        bool_or(operand_values.is_estimated) as is_estimated,
        string_agg(distinct operand_values.period_used, '、') as period_used,
        string_agg(distinct operand_values.reason, '；') filter (
            where operand_values.value is not null
        ) as notes
    from operand_values
    inner join run on operand_values.run_id = run.run_id
    inner join indicators on operand_values.indicator_id = indicators.indicator_id
    inner join lateral jsonb_array_elements(indicators.operands) as definition (value)
        on operand_values.operand = definition.value ->> 'name'
    group by operand_values.run_id, operand_values.indicator_id
),

measured as (
    select
        operands.run_id,
        indicators.seq,
        indicators.formula,
        indicators.metric_options,
        indicators.four_star_rule,
        indicators.five_star_rule,
        operands.indicator_id,
        operands.is_estimated,
        operands.period_used,
        operands.notes,
        {{ target.schema }}.metrics(
            indicators.formula,
            indicators.metric_options,
            indicators.four_star_rule,
            indicators.five_star_rule,
            operands.operands
        ) as metric
    from operands
    inner join indicators on operands.indicator_id = indicators.indicator_id
),

judged as (
    select
        measured.*,
        {{ target.schema }}.rule_met(measured.four_star_rule, measured.metric) as four_star_met,
        {{ target.schema }}.rule_met(measured.five_star_rule, measured.metric) as five_star_met,
        {{ target.schema }}.headline(
            measured.formula, measured.metric_options, measured.five_star_rule, measured.metric
        ) as headline,
        (
            select string_agg(distinct part.value ->> 'reason', '；')
            from jsonb_each(measured.metric) as part
        ) as missing_reason,
        (
            select '单项超过 100%，按 100% 计（' || string_agg(part.value ->> 'label', '、') || '）'
            from jsonb_each(measured.metric) as part
            where (part.value ->> 'is_capped')::boolean
        ) as capping_note
    from measured
),

starred as (
    select
        judged.*,
        {{ target.schema }}.star_of(
            judged.four_star_rule, judged.five_star_rule, judged.four_star_met, judged.five_star_met
        ) as star
    from judged
),

final as (
    select
        starred.run_id,
        starred.seq,
        starred.indicator_id,
        starred.metric,
        trim_scale(
            case
                when starred.headline ? 'root'
                    then
                        sqrt(
                            (starred.headline ->> 'num')::numeric
                            / (starred.headline ->> 'den')::numeric
                        )
                else
                    (starred.headline ->> 'num')::numeric
                    / (starred.headline ->> 'den')::numeric
            end
        ) as value,
        {{ target.schema }}.value_text(
            starred.formula, starred.headline, starred.metric
        ) as value_text,
        starred.star,
        starred.four_star_met,
        starred.five_star_met,
        starred.period_used,
        starred.is_estimated,
        nullif(
            concat_ws(
                '；',
                case
                    when starred.four_star_rule is null and starred.five_star_rule is null
                        then '扣分项，不评星级'
                end,
                starred.missing_reason,
                starred.notes,
                starred.capping_note
            ),
            ''
        ) as reason,
        {{ target.schema }}.rule_gap(starred.four_star_rule, starred.metric) as four_star_gap,
        {{ target.schema }}.rule_gap(starred.five_star_rule, starred.metric) as five_star_gap,
        {{ target.schema }}.rule_conditions(
            starred.four_star_rule, starred.metric
        ) as four_star_conditions,
        {{ target.schema }}.rule_conditions(
            starred.five_star_rule, starred.metric
        ) as five_star_conditions
    from starred
)

select * from final
