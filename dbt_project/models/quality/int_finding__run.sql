-- one row per run of the present and check or target with an owner: whether it failed
{{ config(materialized="view") }}

with

-- a run for an earlier date than one before it neither opens nor mends anything
runs as (
    select
        run.run_id,
        run.started_at,
        run.as_of >= max(run.as_of) over (
            order by run.started_at, run.run_id
            rows between unbounded preceding and current row
        ) as is_of_present,
        row_number() over (order by run.started_at, run.run_id) as run_no
    from {{ source("mart", "run") }} as run
    where run.state in ('built', 'published')
),

counted as (
    select * from {{ ref("cross_check_run") }}
),

judged as (
    select
        result.*,
        split_part(result.expectation, '.', 1) as check_name
    from {{ source("quality", "gate_result") }} as result
    where
        result.kind in ('target', 'cross')
        and result.department is not null
        and result.severity in ('critical', 'warning')
        and coalesce(result.observed, '') <> '未检查'
),

final as (
    select
        judged.department,
        null as extract,
        judged.check_name as rule,
        null as subject,
        null as column_name,
        judged.dimension,
        judged.severity,
        coalesce(
            judged.finding,
            concat(rtrim(judged.message, '。'), '，实际 ', judged.observed, '。')
        ) as message,
        coalesce(counted.checked, 1) as checked,
        coalesce(counted.passed, judged.success::integer) as passed,
        not judged.success as is_failing,
        runs.run_no as told_no,
        judged.evaluated_at as told_at,
        null::bigint as batch_id,
        runs.run_id,
        null::bigint as objection_id
    from judged
    inner join runs on judged.run_id = runs.run_id and runs.is_of_present
    left join counted
        on
            judged.kind = 'cross'
            and judged.run_id = counted.run_id
            and judged.check_name = counted.check_name
            and counted.department in ('', judged.department)
)

select * from final
