-- one row per government department at city level in use: does it share, by indicator 17
{{ config(materialized="view") }}

with

-- one code stated twice in a delivery keeps both rows; the department counts once
departments as (
    {{ government_departments() }}
),

run as (
    select * from {{ source("mart", "current_run") }}
),

resources as (
    select resource.*
    from {{ in_force("big_data_center__resource_catalogue") }} as resource
    cross join run
    where
        {{ in_use("resource.status") }}
        and coalesce(resource.published_on <= run.as_of, true)
),

working_days as (
    select * from {{ ref("working_day") }}
),

-- asked for within the condition and not authorised: how many working days ago
pending_requests as (
    select
        request.resource_code,
        today.working_day_no - asked.working_day_no as working_days_waited
    from {{ in_force("big_data_center__sharing_request") }} as request
    cross join run
    left join working_days as today on run.as_of = today.day
    left join working_days as asked
        on greatest(
            (request.requested_at at time zone 'Asia/Shanghai')::date, {{ calendar_start() }}
        ) = asked.day
    where
        request.is_within_condition
        and (request.requested_at at time zone 'Asia/Shanghai')::date <= run.as_of
        and not coalesce(request.withdrawn_on <= run.as_of, false)
        and not coalesce(request.valid_until <= run.as_of, false)
        and not (
            coalesce(request.is_authorised, false)
            and coalesce((request.decided_at at time zone 'Asia/Shanghai')::date <= run.as_of, true)
        )
),

overdue_requests as (
    select
        pending_requests.resource_code,
        count(*) filter (where pending_requests.working_days_waited > 10) as overdue_count,
        count(*) filter (where pending_requests.working_days_waited is null) as undetermined_count
    from pending_requests
    group by pending_requests.resource_code
),

resource_counts as (
    select
        resources.department_code,
        count(*) as resource_count,
        count(*) filter (where resources.sharing_type = '不予共享') as restricted_count,
        count(*) filter (where resources.sharing_type = '无条件共享') as unconditional_count,
        count(*) filter (where resources.sharing_type = '有条件共享') as conditional_count,
        count(*) filter (where resources.is_mounted) as mounted_count,
        count(*) filter (
            where resources.sharing_type = '无条件共享' and resources.is_mounted is not true
        ) as unconditional_unmounted_count,
        count(*) filter (
            where resources.sharing_type = '有条件共享' and resources.is_mounted is not true
        ) as conditional_unmounted_count,
        coalesce(
            sum(overdue_requests.overdue_count) filter (
                where resources.sharing_type = '有条件共享'
            ),
            0
        ) as overdue_request_count,
        coalesce(
            sum(overdue_requests.undetermined_count) filter (
                where resources.sharing_type = '有条件共享'
            ),
            0
        ) as undetermined_request_count
    from resources
    left join overdue_requests on resources.resource_code = overdue_requests.resource_code
    group by resources.department_code
),

counted as (
    select
        departments.department_code,
        departments.name as department_name,
        coalesce(resource_counts.resource_count, 0) as resource_count,
        coalesce(resource_counts.restricted_count, 0) as restricted_count,
        coalesce(resource_counts.unconditional_count, 0) as unconditional_count,
        coalesce(resource_counts.conditional_count, 0) as conditional_count,
        coalesce(resource_counts.mounted_count, 0) as mounted_count,
        coalesce(
            resource_counts.unconditional_unmounted_count, 0
        ) as unconditional_unmounted_count,
        coalesce(
            resource_counts.conditional_unmounted_count, 0
        ) as conditional_unmounted_count,
        coalesce(resource_counts.overdue_request_count, 0) as overdue_request_count,
        coalesce(resource_counts.undetermined_request_count, 0) as undetermined_request_count
    from departments
    left join resource_counts on departments.department_code = resource_counts.department_code
),

reasoned as (
    select
        counted.*,
        nullif(
            concat_ws(
                '；',
                case when counted.resource_count = 0 then '没有编制在用的信息资源目录' end,
                case
                    when
                        counted.resource_count > 0
                        and counted.resource_count = counted.restricted_count
                        and {{ parameter("restricted_only_departments_count") }} <> 'yes'
                        then
                            concat(
                                '只有不予共享的资源（', counted.restricted_count, ' 项），',
                                '按默认口径不算提供共享'
                            )
                end,
                case
                    when counted.unconditional_unmounted_count > 0
                        then
                            concat(
                                '无条件共享资源 ', counted.unconditional_count, ' 项中 ',
                                counted.unconditional_unmounted_count, ' 项未挂接数据'
                            )
                end,
                case
                    when counted.conditional_unmounted_count > 0
                        then
                            concat(
                                '有条件共享资源 ', counted.conditional_count, ' 项中 ',
                                counted.conditional_unmounted_count, ' 项未挂接数据'
                            )
                end,
                case
                    when counted.overdue_request_count > 0
                        then
                            concat(
                                '符合条件的共享申请 ', counted.overdue_request_count,
                                ' 件超过 10 个工作日未授权'
                            )
                end
            ),
            ''
        ) as failure
    from counted
),

judged as (
    select
        reasoned.department_code,
        reasoned.department_name,
        reasoned.resource_count,
        reasoned.restricted_count,
        reasoned.unconditional_count,
        reasoned.conditional_count,
        reasoned.mounted_count,
        reasoned.overdue_request_count,
        case
            when reasoned.failure is not null then false
            when reasoned.undetermined_request_count > 0 then null
            else true
        end as is_sharing,
        coalesce(
            reasoned.failure,
            case
                when reasoned.undetermined_request_count > 0
                    then '有共享申请待授权，工作日历不含该日期，无法判断是否超期'
            end
        ) as reason
    from reasoned
),

final as (
    select
        judged.*,
        md5(judged::text) as _row_hash
    from judged
)

select * from final
