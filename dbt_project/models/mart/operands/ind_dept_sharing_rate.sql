-- one row per operand
{{ config(materialized="view") }}

{% set register = {"institution_staffing__department": "政府部门名录"} %}
{% set needs = {
    "institution_staffing__department": "政府部门名录",
    "big_data_center__resource_catalogue": "政务信息资源目录",
    "big_data_center__sharing_request": "数据共享申请与授权记录",
} %}

with

departments as (  -- noqa: ST03
    {{ government_departments() }}
),

judged as (
    select * from {{ ref("int_department__sharing") }}
),

counts as (
    select
        count(*) as department_count,
        count(*) filter (where judged.is_sharing) as sharing_count,
        count(*) filter (where judged.is_sharing is null) as undetermined_count
    from judged
)

{{
    operand_row(
        "gov_departments",
        "select counts.department_count from counts",
        register,
        rows="departments",
    )
}}
union all
{{
    operand_row(
        "sharing_departments",
        "select case when counts.undetermined_count = 0 then counts.sharing_count end from counts",
        needs,
        note="select case when counts.undetermined_count > 0 then '有 ' || counts.undetermined_count
            || ' 个部门的共享申请待授权，工作日历不含该日期，无法判断是否超期' end from counts",
        rows="departments",
        only={
            "sql:(select judged.reason from judged"
            ~ " where judged.department_code = departments.department_code)":
                "departments.department_code in"
                ~ " (select judged.department_code from judged where judged.is_sharing)",
        },
    )
}}
