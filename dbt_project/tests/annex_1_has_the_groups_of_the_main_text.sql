-- C13: 1 centre, 3 systems and 13 works of the main text are the groups of annex 1
select
    count(distinct projects.group_no) as groups_of_annex_1,
    (
        select sum(targets.target_value::integer)
        from {{ ref("plan_targets") }} as targets
        where targets.target_id like 'action_1313_%'
    ) as groups_of_main_text
from {{ ref("projects") }} as projects
having count(distinct projects.group_no) <> (
    select sum(targets.target_value::integer)
    from {{ ref("plan_targets") }} as targets
    where targets.target_id like 'action_1313_%'
)
