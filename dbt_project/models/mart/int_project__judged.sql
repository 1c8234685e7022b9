-- one row per project of 附件1, for the current run
{{ config(materialized="view") }}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

projects as (
    select * from {{ ref("projects") }}
),

counted as (
    select
        milestones.project_seq,
        count(*) as milestone_count,
        count(*) filter (where milestones.status = 'met') as met_count,
        count(*) filter (where milestones.status = 'behind') as behind_count,
        count(*) filter (where milestones.status = 'no_data') as no_data_count,
        count(*) filter (where milestones.is_late) as late_count,
        max(milestones.due_on) as last_due_on,
        min(milestones.due_on) filter (where milestones.status <> 'met') as next_due_on
    from {{ ref("int_project_milestone__judged") }} as milestones
    group by milestones.project_seq
),

final as (
    select
        run.run_id,
        projects.project_seq,
        projects.group_no,
        projects.group_name,
        projects.category,
        projects.name,
        projects.content,
        projects.preamble,
        projects.responsible,
        coalesce(counted.milestone_count, 0) as milestone_count,
        coalesce(counted.met_count, 0) as met_count,
        coalesce(counted.behind_count, 0) as behind_count,
        coalesce(counted.no_data_count, 0) as no_data_count,
        coalesce(counted.late_count, 0) as late_count,
        counted.last_due_on,
        counted.next_due_on,
        case
            when counted.behind_count > 0 then 'behind'
            when counted.met_count = counted.milestone_count then 'met'
            when counted.no_data_count < counted.milestone_count then 'on_course'
            else 'no_data'
        end as status,
        case
            when counted.project_seq is null then '附件1未列里程碑，也没有填报'
            when counted.no_data_count > 0 then '有 ' || counted.no_data_count || ' 个里程碑没有填报'
        end as reason
    from projects
    cross join run
    left join counted on projects.project_seq = counted.project_seq
)

select * from final
