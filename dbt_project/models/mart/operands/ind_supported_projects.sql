-- one row per operand
{{ config(materialized="view") }}

{% set needs = needs_of_each("supported_project", "获专项支持项目清单", supporting_departments()) %}

with

-- one project of a unit counts once, whatever funds and departments support it
projects as (
    {{
        counted(
            needs,
            "project",
            ["project.project_name", "project.unit_name"],
            {
                "不是评定日所在年度": "project.year = to_char(" ~ as_of() ~ ", 'YYYY')",
                "不属于计入的领域": "project.field in"
                ~ " ('智慧城市', '大数据', '工业互联网', '人工智能') or (project.field = '其他' and "
                ~ parameter("supported_projects_of_other_fields") ~ " = 'yes')",
            },
            raw=["project_name", "unit_name", "field", "year"],
        )
    }}
)

{{
    count_row(
        "count",
        "projects",
        "projects.project_name, projects.unit_name",
        needs,
        period="to_char(" ~ as_of() ~ ", 'YYYY')",
    )
}}
