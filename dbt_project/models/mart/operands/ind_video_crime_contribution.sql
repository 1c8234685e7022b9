-- one row per operand
{{ config(materialized="view") }}

{% set cases = {"public_security__video_case_summary": "视频协助破案汇总"} %}
{% set list = {"public_security__video_service_department": "视频图像服务部门清单"} %}
{% set annual = {
    "cases_solved_with_video": "solved_with_video",
    "criminal_cases_solved": "solved",
} %}

with

solved as (
    {{
        annual_register(
            "public_security__video_case_summary", "cases_solved", reads_empty=true
        )
    }}
),

solved_with_video as (
    {{
        annual_register(
            "public_security__video_case_summary",
            "cases_solved_with_video",
            reads_empty=true,
        )
    }}
),

figures as (
    {{ latest_common_year(annual) }}
),

-- the police themselves are no other department
served as (
    {{
        counted(
            "public_security__video_service_department",
            "department",
            ["department.department_name"],
            {
                "公安部门自身": "department.department_name not like '%公安%'",
                "不在用": in_use("department.status"),
                "评定日尚未服务": has_begun("department.since"),
            },
        )
    }}
)

{{
    annual_operand_rows(
        "figures", annual, cases, "查破刑事案件数与视频协助查破案件数"
    )
}}
union all
{{ count_row("served_dept_count", "served", "served.department_name", list) }}
