-- one row per department: measures of its extracts with enough history; those near their median
{{ config(materialized="view") }}

with

measures as (
    select
        measured.*,
        row_number() over (
            partition by measured.contract_id, measured.measure
            order by measured.as_of desc, measured.applied_seq desc
        ) as age
    from {{ ref("delivery_measure") }} as measured
),

rules as (
    select * from {{ ref("change_rules") }}
),

contracts as (
    select * from {{ source("catalogue", "contract") }}
),

latest as (
    select * from measures
    where age = 1
),

history as (
    select measures.*
    from measures
    inner join rules on measures.measure = rules.measure
    where measures.age between 2 and rules.history_deliveries + 1
),

medians as (
    select
        history.contract_id,
        history.measure,
        count(*) as deliveries,
        percentile_cont(0.5) within group (order by history.value) as median
    from history
    group by history.contract_id, history.measure
),

deviations as (
    select
        history.contract_id,
        history.measure,
        percentile_cont(0.5) within group (
            order by abs(history.value - medians.median)
        ) as median_deviation
    from history
    inner join medians
        on history.contract_id = medians.contract_id and history.measure = medians.measure
    group by history.contract_id, history.measure
),

-- 1.4826 makes the median absolute deviation of a normal distribution its standard deviation
judged as (
    select
        contracts.department,
        contracts.contract_id,
        contracts.title,
        rules.title as measure_title,
        rules.unit,
        latest.value,
        medians.median,
        abs(latest.value - medians.median) <= greatest(
            rules.deviations * 1.4826 * deviations.median_deviation,
            rules.least_share * abs(medians.median)
        ) as is_near
    from latest
    inner join contracts on latest.contract_id = contracts.contract_id
    inner join rules on latest.measure = rules.measure
    inner join medians
        on latest.contract_id = medians.contract_id and latest.measure = medians.measure
    inner join deviations
        on latest.contract_id = deviations.contract_id and latest.measure = deviations.measure
    where medians.deliveries >= rules.minimum_deliveries
),

final as (
    select
        judged.department,
        count(*) filter (where judged.is_near) as passed,
        count(*) as checked,
        {{ examples(
            "concat(judged.title, judged.measure_title, '本次 ', trunc(judged.value), judged.unit, '，往次中位数 ', "
            ~ "trunc(judged.median::numeric), judged.unit)",
            "not judged.is_near",
            "judged.contract_id, judged.measure_title",
        ) }}
    from judged
    group by judged.department
)

select * from final
