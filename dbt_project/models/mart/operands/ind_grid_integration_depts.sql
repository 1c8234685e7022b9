-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"political_legal__grid_department": "多网合一部门清单"} %}

with

merged as (
    select distinct department.department_name
    from {{ in_force("political_legal__grid_department") }} as department
    where
        {{ in_use("department.status") }}
        and {{ has_begun("department.merged_on") }}
)

{{ operand_row("merged_dept_count", "select count(*) from merged", needs) }}
