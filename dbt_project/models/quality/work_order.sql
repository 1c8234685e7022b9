-- one row per time that a rule, check, target or gate began to fail, or an objection was upheld,
-- until what mends it
{{ config(materialized="view") }}

with

terms as (
    select * from {{ ref("work_order_terms") }}
),

working_days as (
    select * from {{ ref("working_day") }}
),

told as (
    select * from {{ ref("int_finding__delivery") }}
    union all
    select * from {{ ref("int_finding__run") }}
    union all
    select * from {{ ref("int_finding__objection") }}
),

findings as (
    select
        told.*,
        concat_ws(
            '/', told.department, told.extract, told.rule, told.subject
        ) as subject_key
    from told
    where quality.is_no_department() or quality.is_department(told.department)
),

-- what fails again and again is one order: numbered by the mended ones before it
stretches as (
    select
        findings.*,
        count(*) filter (where not findings.is_failing) over (
            partition by findings.subject_key
            order by findings.told_no
        ) as mended_before
    from findings
),

failing as (
    select
        stretches.subject_key,
        stretches.mended_before,
        min(stretches.told_no) as opened_no,
        max(stretches.told_no) as last_no,
        max(stretches.batch_id) as last_batch_id,
        count(*) as failed_deliveries,
        row_number() over (
            partition by stretches.subject_key
            order by stretches.mended_before
        ) as occurrence_no
    from stretches
    where stretches.is_failing
    group by stretches.subject_key, stretches.mended_before
),

last_judged as (
    select max(told.told_no) as run_no from {{ ref("int_finding__run") }} as told
),

-- opened by the first of them, closed by the first after them that passes the same
described as (
    select
        opened.*,
        failing.last_batch_id,
        failing.failed_deliveries,
        failing.occurrence_no,
        mended.batch_id as closed_batch_id,
        mended.run_id as closed_run_id,
        mended.told_at as closed_at,
        -- the last run that judged anything found nothing to compare here
        coalesce(
            opened.run_id is not null and failing.last_no < last_judged.run_no, false
        ) as is_resting,
        {{ local_day("opened.told_at") }} as opened_on
    from failing
    inner join stretches as opened
        on
            failing.subject_key = opened.subject_key
            and failing.opened_no = opened.told_no
            and opened.is_failing
    left join stretches as mended
        on
            failing.subject_key = mended.subject_key
            and failing.mended_before + 1 = mended.mended_before
            and not mended.is_failing
    cross join last_judged
),

final as (
    select
        concat_ws(
            '/',
            described.subject_key,
            coalesce(described.batch_id::text, described.run_id)
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
        described.batch_id as opened_batch_id,
        described.told_at as opened_at,
        due_days.day as due_on,
        described.failed_deliveries,
        described.last_batch_id,
        described.occurrence_no,
        described.closed_batch_id,
        described.closed_at,
        described.run_id as opened_run_id,
        described.closed_run_id,
        described.objection_id,
        case
            when described.closed_at is not null then '已办结'
            when described.is_resting then '无从核对'
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
