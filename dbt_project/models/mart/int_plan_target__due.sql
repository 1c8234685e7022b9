-- one row per dated target of the plan: when it is due for the run, and the least that meets it
{{ config(materialized="view") }}

with

targets as (
    select
        target.*,
        case
            when target.target_value ~ '^[0-9.]+$' then target.target_value::numeric
        end as threshold,
        case target.due when '每年' then 1 when '每两年' then 2 end as recurrence_years
    from {{ ref("plan_targets") }} as target
),

tolerances as (
    select
        {{ parameter("plan_approximate_tolerance_pct") }}::numeric as approximate_pct,
        {{ parameter("plan_basic_tolerance_pct") }}::numeric as basic_pct
),

final as (
    select
        targets.target_id,
        targets.seq,
        targets.metric,
        targets.operator,
        targets.target_value,
        targets.unit,
        targets.due,
        targets.kind,
        targets.responsible,
        targets.source,
        targets.quote,
        targets.contradictions,
        targets.note,
        targets.tolerance,
        targets.project_seq,
        targets.milestone_no,
        targets.threshold,
        -- words are measured as a share of what they speak of
        case when targets.threshold is null then '%' else targets.unit end as value_unit,
        coalesce(targets.threshold, 100)
        * (
            100 - case targets.tolerance
                when 'approximately' then tolerances.approximate_pct
                when 'basically' then tolerances.basic_pct
                else 0
            end
        ) / 100 as least_value,
        case targets.recurrence_years
            when 1 then {{ recurrence_start(1) }}
            when 2 then {{ recurrence_start(2) }}
            else {{ plan_start() }}
        end as start_on,
        case
            when targets.recurrence_years = 1 then {{ recurrence_end(1) }}
            when targets.recurrence_years = 2 then {{ recurrence_end(2) }}
            when targets.due = '2020起' then {{ plan_start() }}
            else targets.due::date
        end as due_on
    from targets
    cross join tolerances
)

select * from final
