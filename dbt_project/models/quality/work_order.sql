-- one row per time that a contract's rule or gate began to fail, until the delivery that mends it
{{ config(materialized="view") }}

with

batches as (
    select
        batch.batch_id,
        batch.department,
        batch.extract,
        batch.status,
        batch.summary,
        batch.received_at,
        row_number() over (
            partition by batch.department, batch.extract order by batch.batch_id
        ) as delivery_no
    from {{ source("quality", "batch") }} as batch
    where
        batch.extract is not null
        and batch.status in ('accepted', 'accepted_with_issues', 'held', 'rejected')
        and (quality.is_no_department() or quality.is_department(batch.department))
),

terms as (
    select * from {{ ref("work_order_terms") }}
),

working_days as (
    select * from {{ ref("working_day") }}
),

-- what each delivery says of each rule: a rule that found nothing to check says nothing
findings as (
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

-- a stretch of failing deliveries is one order: numbered by the mended ones before it
stretches as (
    select
        findings.*,
        count(*) filter (where not findings.is_failing) over told as mended_before
    from findings
    window told as (
        partition by findings.department, findings.extract, findings.rule
        order by findings.delivery_no
    )
),

orders as (
    select
        stretches.department,
        stretches.extract,
        stretches.rule,
        stretches.mended_before,
        min(stretches.batch_id) as opened_batch_id,
        max(stretches.batch_id) as last_batch_id,
        count(*) as failed_deliveries
    from stretches
    where stretches.is_failing
    group by stretches.department, stretches.extract, stretches.rule, stretches.mended_before
),

-- the first delivery after them that passes the same rule
closed as (
    select
        orders.*,
        mended.batch_id as closed_batch_id,
        mended.received_at as closed_at,
        row_number() over (
            partition by orders.department, orders.extract, orders.rule
            order by orders.opened_batch_id
        ) as occurrence_no
    from orders
    left join lateral (
        select
            later.batch_id,
            later.received_at
        from stretches as later
        where
            later.department = orders.department
            and later.extract = orders.extract
            and later.rule = orders.rule
            and later.mended_before = orders.mended_before + 1
            and not later.is_failing
    ) as mended on true
),

described as (
    select
        closed.*,
        opened.column_name,
        opened.dimension,
        opened.severity,
        opened.message,
        opened.checked,
        opened.passed,
        opened.received_at as opened_at,
        {{ local_day("opened.received_at") }} as opened_on
    from closed
    inner join stretches as opened
        on closed.opened_batch_id = opened.batch_id and closed.rule = opened.rule
),

final as (
    select
        concat_ws(
            '/',
            described.department,
            described.extract,
            described.rule,
            described.opened_batch_id
        ) as work_order_id,
        described.department,
        described.extract,
        described.rule,
        described.column_name,
        described.dimension,
        described.severity,
        described.message,
        described.passed,
        described.checked,
        described.opened_batch_id,
        described.opened_at,
        due_days.day as due_on,
        described.failed_deliveries,
        described.last_batch_id,
        described.occurrence_no,
        described.closed_batch_id,
        described.closed_at,
        case
            when described.closed_batch_id is not null then '已办结'
            when due_days.day < {{ local_day("now()") }} then '已逾期'
            when described.occurrence_no > 1 then '再次发生'
            else '待整改'
        end as state
    from described
    inner join terms on described.severity = terms.severity
    left join working_days as opened_days on described.opened_on = opened_days.day
    left join working_days as due_days
        on
            opened_days.working_day_no + terms.working_days = due_days.working_day_no
            and due_days.is_working_day
)

select * from final
