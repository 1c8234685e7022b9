-- one row per target with reported progress: the latest of its period, else its milestone's state
{{ config(materialized="view") }}

with

targets as (
    select * from {{ ref("int_plan_target__due") }}
),

milestones as (
    select * from {{ ref("int_project_milestone__judged") }}
),

reports as (
    select distinct on (report.target_id)
        report.target_id,
        report.value,
        report.state,
        report.period_end
    from {{ in_force("big_data_center__plan_progress") }} as report
    inner join targets on report.target_id = targets.target_id
    where
        report.period_end between targets.start_on and {{ as_of() }}
        and (report.value is not null or report.state is not null)
    order by
        report.target_id asc,
        report.period_end desc,
        report._applied_seq desc,
        report._row_no desc
),

final as (
    select
        targets.target_id,
        case
            when reports.target_id is not null then 'big_data_center__plan_progress'
            else 'big_data_center__project_progress'
        end as value_source,
        reports.value,
        case
            when reports.target_id is not null then reports.state else milestones.reported_state
        end as state,
        coalesce(reports.period_end, milestones.reported_on) as reported_on
    from targets
    left join reports on targets.target_id = reports.target_id
    left join milestones
        on
            targets.project_seq = milestones.project_seq
            and targets.milestone_no = milestones.milestone_no
    where reports.target_id is not null or milestones.reported_state is not null
)

select * from final
