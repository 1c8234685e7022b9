-- one row per operand
{{ config(materialized="view") }}

{% set needs = needs_of_each("supported_project", "获专项支持项目清单", supporting_departments()) %}

with

-- one project of a unit counts once, whatever funds and departments support it
projects as (
    select distinct
        project.project_name,
        project.unit_name
    from
        {{
            in_force_of_each(needs, ["project_name", "unit_name", "field", "year"])
        }} as project
    where
        project.year = to_char({{ as_of() }}, 'YYYY')
        and (
            project.field in ('智慧城市', '大数据', '工业互联网', '人工智能')
            or (
                project.field = '其他'
                and {{ parameter("supported_projects_of_other_fields") }} = 'yes'
            )
        )
)

{{
    operand_row(
        "count",
        "select count(*) from projects",
        needs,
        period="to_char(" ~ as_of() ~ ", 'YYYY')",
    )
}}
