-- one row per as-of date, indicator and star level that its latest published run has not reached
{{ config(materialized="view") }}

with

gaps as (
    select * from {{ ref("indicator_gap") }}
),

indicators as (
    select * from {{ ref("indicators") }}
),

operands as (
    select * from {{ ref("indicator_operand_run") }}
),

costs as (
    select * from {{ source("mart", "unit_cost") }}
),

unmet as (
    select
        gaps.as_of,
        gaps.run_id,
        gaps.indicator_id,
        gaps.star,
        gaps.gap,
        condition.value ->> 'metric' as metric,
        (condition.value ->> 'is_met')::boolean as is_met,
        condition.value ->> 'operand' as operand,
        (condition.value ->> 'missing')::numeric as missing,
        condition.value ->> 'unit' as unit,
        condition.value ->> 'text' as sentence
    from gaps
    cross join lateral jsonb_array_elements(gaps.conditions) as condition (value)
    where gaps.is_met is not true
),

weighed as (
    select
        unmet.as_of,
        unmet.run_id,
        unmet.indicator_id,
        unmet.star,
        unmet.gap,
        unmet.metric,
        unmet.is_met,
        unmet.operand,
        unmet.missing,
        unmet.unit,
        unmet.sentence,
        case when unmet.is_met then 0 else unmet.missing * costs.cost_cny end as cost_cny,
        case
            when unmet.is_met then 0
            -- per cent points of a mean
            when unmet.operand is null then unmet.missing / 100
            else unmet.missing / nullif(greatest(operands.value, 0) + unmet.missing, 0)
        end as relative_gap
    from unmet
    left join operands
        on
            unmet.run_id = operands.run_id
            and unmet.indicator_id = operands.indicator_id
            and unmet.operand = operands.operand
    left join costs
        on unmet.indicator_id = costs.indicator_id and unmet.operand = costs.operand
),

summed as (
    select
        weighed.as_of,
        weighed.run_id,
        weighed.indicator_id,
        weighed.star,
        weighed.gap,
        jsonb_object_agg(weighed.metric, weighed.cost_cny) as cost_by_metric,
        jsonb_object_agg(weighed.metric, coalesce(weighed.relative_gap, 0)) filter (
            where weighed.is_met is not null
        ) as gap_by_metric,
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'operand', weighed.operand,
                    'missing', weighed.missing,
                    'unit', weighed.unit,
                    'text', weighed.sentence,
                    'cost_cny', weighed.cost_cny
                )
            ) filter (where weighed.is_met is not true),
            '[]'
        ) as missing
    from weighed
    group by
        weighed.as_of, weighed.run_id, weighed.indicator_id, weighed.star, weighed.gap
),

final as (
    select
        summed.as_of,
        summed.run_id,
        indicators.seq,
        summed.indicator_id,
        indicators.name,
        indicators.lead_responsible,
        summed.star,
        summed.gap,
        summed.missing,
        {{ target.schema }}.rule_effort(
            case summed.star
                when 4 then indicators.four_star_rule
                else indicators.five_star_rule
            end,
            summed.cost_by_metric
        ) as cost_cny,
        round(
            {{ target.schema }}.rule_effort(
                case summed.star
                    when 4 then indicators.four_star_rule
                    else indicators.five_star_rule
                end,
                summed.gap_by_metric
            ),
            6
        ) as relative_gap
    from summed
    inner join indicators on summed.indicator_id = indicators.indicator_id
)

select
    final.*,
    row_number() over (
        partition by final.as_of, final.star
        order by final.cost_cny asc nulls last, final.relative_gap asc nulls last, final.seq asc
    ) as effort_rank
from final
