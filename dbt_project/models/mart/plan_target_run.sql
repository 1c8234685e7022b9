-- one row per run and dated target of the plan (65): what was reached, or why it is not known
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

clock as (
    select * from {{ source("mart", "current_run") }}
),

targets as (
    select
        target.*,
        case
            when target.target_value ~ '^[0-9.]+$' then target.target_value::numeric
        end as threshold,
        case when target.due ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then target.due::date end as due_on
    from {{ ref("plan_targets") }} as target
),

measured as (
    select * from {{ ref("int_plan_target__measured") }}
),

final as (
    select
        clock.run_id,
        targets.target_id,
        targets.seq,
        targets.metric,
        targets.operator,
        targets.target_value,
        targets.unit,
        targets.due,
        targets.due_on,
        targets.kind,
        targets.responsible,
        targets.source,
        targets.quote,
        targets.contradictions,
        measured.numerator,
        measured.denominator,
        -- in the target's own unit
        trim_scale(
            case
                when measured.denominator is null then measured.numerator
                when targets.unit = '%'
                    then round(measured.numerator * 100 / nullif(measured.denominator, 0), 6)
                else round(measured.numerator / nullif(measured.denominator, 0), 6)
            end
        ) as value,
        -- exact: no rounding before the comparison; 约 and words are not compared
        case
            when targets.operator = '>=' and measured.denominator is null
                then measured.numerator >= targets.threshold
            when targets.operator = '>=' and targets.unit = '%' and measured.denominator > 0
                then measured.numerator * 100 >= targets.threshold * measured.denominator
            when targets.operator = '==' and measured.denominator is null
                then measured.numerator = targets.threshold
        end as is_met,
        case
            when measured.target_id is null then '尚无数据来源'
            else measured.reason
        end as reason
    from targets
    cross join clock
    left join measured on targets.target_id = measured.target_id
)

select * from final
