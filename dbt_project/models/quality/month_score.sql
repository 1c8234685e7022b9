-- one row per month, subject (city, department, contract) and checked indicator or 'total'
{{ config(materialized="view") }}

with

deliveries as (
    select * from {{ ref("int_delivery__judged") }}
),

check_results as (
    select * from {{ source("quality", "check_result") }}
),

dimensions as (
    select * from {{ ref("quality_dimensions") }}
),

collection as (
    select * from {{ ref("collection") }}
),

-- A of B per sub-indicator: rows that passed of rows checked, periods on time of periods due
counted as (
    select
        deliveries.month,
        deliveries.department,
        deliveries.contract_id,
        check_results.dimension as indicator,
        left(check_results.dimension, 2) as dimension,
        check_results.checked,
        check_results.passed
    from deliveries
    inner join check_results on deliveries.batch_id = check_results.batch_id
    where quality.is_no_department() or quality.is_department(deliveries.department)
    union all
    select
        date_trunc('month', collection.ends_on)::date as month,
        collection.department,
        collection.contract_id,
        '0502' as indicator,
        '05' as dimension,
        1 as checked,
        (collection.state = '按时')::integer as passed
    from collection
    where collection.state in ('按时', '迟报', '未报')
),

summed as (
    select
        counted.month,
        case
            when grouping(counted.department) = 1 then 'city'
            when grouping(counted.contract_id) = 1 then 'department'
            else 'contract'
        end as subject_kind,
        coalesce(counted.contract_id, counted.department, 'city') as subject,
        counted.department,
        counted.indicator,
        counted.dimension,
        sum(counted.checked) as checked,
        sum(counted.passed) as passed
    from counted
    group by
        counted.month,
        grouping sets (
            (), (counted.department), (counted.department, counted.contract_id)
        ),
        grouping sets (
            (counted.indicator, counted.dimension), (counted.dimension)
        )
    having sum(counted.checked) > 0
),

parts as (
    select
        summed.month,
        summed.subject_kind,
        summed.subject,
        summed.department,
        coalesce(summed.indicator, summed.dimension) as indicator,
        summed.checked,
        summed.passed,
        summed.passed::numeric / summed.checked as exact_score
    from summed
),

totals as (
    select
        parts.month,
        parts.subject_kind,
        parts.subject,
        parts.department,
        'total' as indicator,
        sum(parts.checked) as checked,
        sum(parts.passed) as passed,
        sum(parts.exact_score * dimensions.weight)
        / nullif(sum(dimensions.weight), 0) as exact_score
    from parts
    inner join dimensions on parts.indicator = dimensions.dimension
    where length(parts.indicator) = 2
    group by parts.month, parts.subject_kind, parts.subject, parts.department
),

weakest as (
    select min(dimensions.pass_mark) as pass_mark
    from dimensions
    where length(dimensions.dimension) = 2
),

scored as (
    select * from parts
    union all
    select * from totals
),

final as (
    select
        scored.month,
        scored.subject_kind,
        scored.subject,
        scored.department,
        scored.indicator,
        coalesce(dimensions.title, '综合得分') as title,
        scored.checked,
        scored.passed,
        trunc(scored.exact_score, 6) as score,
        coalesce(dimensions.pass_mark, weakest.pass_mark) as pass_mark,
        scored.exact_score >= coalesce(dimensions.pass_mark, weakest.pass_mark) as is_passed,
        trunc(scored.exact_score, 6) - lag(trunc(scored.exact_score, 6)) over past as gained
    from scored
    left join dimensions on scored.indicator = dimensions.dimension
    cross join weakest
    window past as (
        partition by scored.subject_kind, scored.subject, scored.indicator order by scored.month
    )
)

select * from final
