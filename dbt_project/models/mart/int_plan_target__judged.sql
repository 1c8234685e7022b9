-- one row per dated target of the plan, for the current run
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

targets as (
    select * from {{ ref("int_plan_target__due") }}
),

measured as (
    select * from {{ ref("int_plan_target__measured") }}
),

reported as (
    select * from {{ ref("int_plan_target__reported") }}
),

joined as (
    select
        targets.*,
        measured.target_id is not null as has_model,
        measured.numerator,
        measured.denominator,
        measured.expected,
        measured.reason,
        -- in the unit shown: per cent where a share is measured
        case
            when measured.denominator is null then measured.numerator
            when targets.value_unit = '%'
                then round(measured.numerator * 100 / nullif(measured.denominator, 0), 6)
            else round(measured.numerator / nullif(measured.denominator, 0), 6)
        end as computed_value,
        reported.value_source as reported_by,
        reported.value as reported_value,
        reported.state as reported_state,
        reported.reported_on
    from targets
    left join measured on targets.target_id = measured.target_id
    left join reported on targets.target_id = reported.target_id
),

sourced as (
    select
        joined.*,
        joined.computed_value is not null as is_computed,
        case
            when
                joined.computed_value is not null
                or (joined.has_model and joined.reported_by is null)
                then 'computed:target_' || joined.target_id
            when joined.reported_by is not null then 'reported:' || joined.reported_by
        end as value_source
    from joined
),

compared as (
    select
        sourced.*,
        -- exact: nothing is rounded before the comparison; a target exceeded is met
        case
            when sourced.is_computed
                then
                    sourced.numerator * case when sourced.value_unit = '%' then 100 else 1 end
                    >= sourced.least_value * coalesce(sourced.denominator, 1)
            when sourced.reported_value is not null and sourced.threshold is not null
                then sourced.reported_value >= sourced.least_value
            when sourced.reported_state = '基本实现'
                then coalesce(sourced.tolerance = 'basically', false)
            when sourced.reported_state is not null then sourced.reported_state = '完成'
        end as is_met,
        case
            when sourced.is_computed and sourced.expected is not null
                then sourced.numerator >= sourced.expected
        end as is_expected_met,
        case
            when sourced.is_computed
                then
                    sourced.numerator * case when sourced.value_unit = '%' then 100 else 1 end
                    / (sourced.least_value * coalesce(sourced.denominator, 1))
            when sourced.threshold is not null then sourced.reported_value / sourced.least_value
        end as reached_share
    from sourced
),

final as (
    select
        run.run_id,
        compared.target_id,
        compared.seq,
        compared.metric,
        compared.operator,
        compared.target_value,
        compared.unit,
        compared.due,
        compared.start_on,
        compared.due_on,
        compared.kind,
        compared.responsible,
        compared.source,
        compared.quote,
        compared.contradictions,
        compared.note,
        compared.value_source,
        compared.numerator,
        compared.denominator,
        trim_scale(
            case
                when compared.is_computed then compared.computed_value
                else compared.reported_value
            end
        ) as value,
        compared.value_unit,
        trim_scale(compared.least_value) as least_value,
        compared.reported_value,
        compared.reported_state,
        compared.reported_on,
        trim_scale(compared.computed_value - compared.reported_value) as difference,
        compared.is_met,
        {{
            plan_status(
                "compared.is_met",
                "compared.is_expected_met",
                "compared.reached_share",
                "compared.reported_state",
                "compared.start_on",
                "compared.due_on",
            )
        }} as status,
        compared.is_expected_met,
        compared.reached_share,
        case
            when compared.value_source is null then '尚无数据来源'
            when compared.is_computed then null
            else compared.reason
        end as reason
    from compared
    cross join run
)

select * from final
