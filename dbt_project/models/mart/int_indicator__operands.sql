-- one row per declared operand of every indicator, as the current run measures it
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

indicators as (
    select * from {{ ref("indicators") }}
),

measured as (
    select * from {{ ref("int_indicator__measured") }}
),

measured_indicators as (
    select distinct measured.indicator_id
    from measured
),

declared as (
    select
        indicators.indicator_id,
        operand.value ->> 'name' as operand
    from indicators
    cross join lateral jsonb_array_elements(indicators.operands) as operand (value)
),

final as (
    select
        run.run_id,
        declared.indicator_id,
        declared.operand,
        trim_scale(measured.value) as value,
        case
            when measured_indicators.indicator_id is null then '尚无数据来源（后续接入）'
            when measured.operand is null then '口径模型没有给出这一项'
            else measured.reason
        end as reason,
        coalesce(measured.is_estimated, false) as is_estimated,
        measured.period_used
    from declared
    cross join run
    left join measured_indicators on declared.indicator_id = measured_indicators.indicator_id
    left join measured
        on
            declared.indicator_id = measured.indicator_id
            and declared.operand = measured.operand
)

select * from final
