-- one row per project and milestone, for the current run
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

projects as (
    select * from {{ ref("projects") }}
),

milestones as (
    select * from {{ ref("project_milestones") }}
),

reports as (
    select distinct on (report.project_seq, report.milestone_no)
        report.project_seq,
        report.milestone_no,
        report.year,
        report.status,
        report.completed_on,
        report.evidence_no,
        report._as_of as reported_on
    from {{ in_force("big_data_center__project_progress") }} as report
    order by
        report.project_seq asc,
        report.milestone_no asc,
        report._applied_seq desc,
        report._row_no desc
),

joined as (
    select
        coalesce(milestones.project_seq, reports.project_seq) as project_seq,
        coalesce(milestones.milestone_no, reports.milestone_no) as milestone_no,
        milestones.project_seq is not null as is_listed,
        milestones.milestone,
        milestones.qualifier,
        coalesce(milestones.year, left(reports.year, 4)::integer) as due_year,
        reports.status as reported_state,
        reports.completed_on,
        reports.evidence_no,
        reports.reported_on
    from milestones
    full join reports
        on
            milestones.project_seq = reports.project_seq
            and milestones.milestone_no = reports.milestone_no
),

judged as (
    select
        joined.*,
        make_date(joined.due_year, 12, 31) as due_on,
        case
            when joined.reported_state = '完成'
                then coalesce(joined.completed_on <= {{ as_of() }}, true)
            when joined.reported_state is not null then false
        end as is_met
    from joined
),

final as (
    select
        run.run_id,
        judged.project_seq,
        judged.milestone_no,
        projects.name as project_name,
        judged.is_listed,
        judged.milestone,
        judged.qualifier,
        judged.due_year,
        judged.due_on,
        judged.reported_state,
        judged.completed_on,
        judged.evidence_no,
        judged.reported_on,
        {{
            plan_status(
                "judged.is_met",
                "null::boolean",
                "null::numeric",
                "judged.reported_state",
                plan_start(),
                "judged.due_on",
            )
        }} as status,
        judged.is_met and judged.completed_on > judged.due_on as is_late
    from judged
    cross join run
    inner join projects on judged.project_seq = projects.project_seq
)

select * from final
