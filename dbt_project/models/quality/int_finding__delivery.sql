-- one row per delivery and rule of which it says something: whether the rule failed
{{ config(materialized="view") }}

with

batches as (
    select
        batch.batch_id,
        batch.department,
        batch.extract,
        batch.status,
        batch.summary,
        batch.received_at
    from {{ source("quality", "batch") }} as batch
    where
        batch.extract is not null
        and batch.status in ('accepted', 'accepted_with_issues', 'held', 'rejected')
),

-- a rule that found nothing to check says nothing
told as (
    select
        batches.*,
        check_result.rule,
        check_result.column_name,
        check_result.dimension,
        check_result.severity,
        check_result.message,
        check_result.checked,
        check_result.passed,
        check_result.passed < check_result.threshold * check_result.checked as is_failing
    from batches
    inner join {{ source("quality", "check_result") }} as check_result
        on batches.batch_id = check_result.batch_id
    where check_result.checked > 0 and check_result.severity in ('critical', 'warning')
    union all
    select
        batches.*,
        'delivery' as rule,
        null as column_name,
        null as dimension,
        'critical' as severity,
        '报送未能入库：' || coalesce(batches.summary, '原因见回执') as message,
        1 as checked,
        (batches.status like 'accepted%')::integer as passed,
        batches.status not like 'accepted%' as is_failing
    from batches
),

final as (
    select
        told.department,
        told.extract,
        told.rule,
        null as subject,
        told.column_name,
        told.dimension,
        told.severity,
        told.message,
        told.checked,
        told.passed,
        told.is_failing,
        told.batch_id as told_no,
        told.received_at as told_at,
        told.batch_id,
        null as run_id,
        null::bigint as objection_id
    from told
)

select * from final
