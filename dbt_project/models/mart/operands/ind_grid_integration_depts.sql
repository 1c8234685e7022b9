-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"political_legal__grid_department": "多网合一部门清单"} %}

with

merged as (
    {{
        counted(
            "political_legal__grid_department",
            "department",
            ["department.department_name"],
            {
                "不在用": in_use("department.status"),
                "评定日尚未并网": has_begun("department.merged_on"),
            },
        )
    }}
)

{{ count_row("merged_dept_count", "merged", "merged.department_name", needs) }}
