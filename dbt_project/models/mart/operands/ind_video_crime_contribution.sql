-- one row per operand
{{ config(materialized="view") }}

{% set cases = {"public_security__video_case_summary": "视频协助破案汇总"} %}
{% set list = {"public_security__video_service_department": "视频图像服务部门清单"} %}

with

summaries as (
    select * from {{ in_force("public_security__video_case_summary") }} as delivered
),

solved as (
    select distinct on (summaries.year)
        summaries.year,
        summaries.cases_solved as value
    from summaries
    order by summaries.year asc, summaries._applied_seq desc, summaries._row_no desc
),

solved_with_video as (
    select distinct on (summaries.year)
        summaries.year,
        summaries.cases_solved_with_video as value
    from summaries
    order by summaries.year asc, summaries._applied_seq desc, summaries._row_no desc
),

figures as (
    {{
        latest_common_year(
            {"cases_solved_with_video": "solved_with_video", "criminal_cases_solved": "solved"}
        )
    }}
),

-- the police themselves are no other department
served as (
    select distinct department.department_name
    from {{ in_force("public_security__video_service_department") }} as department
    where
        department.department_name not like '%公安%'
        and {{ in_use("department.status") }}
        and {{ has_begun("department.since") }}
)

{{
    annual_operand_rows(
        "figures",
        ["cases_solved_with_video", "criminal_cases_solved"],
        cases,
        "查破刑事案件数与视频协助查破案件数",
    )
}}
union all
{{ operand_row("served_dept_count", "select count(*) from served", list) }}
