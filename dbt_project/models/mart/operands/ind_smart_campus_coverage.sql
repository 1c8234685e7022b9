-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"education__school": "学校名录"} %}

with

schools as (
    select
        school.school_code,
        bool_or(coalesce(school.is_smart_campus, false)) as is_smart_campus
    from {{ in_force("education__school") }} as school
    where
        {{ in_use("school.status") }}
        and school.stage in ('小学', '初中', '高中', '九年一贯制', '完全中学', '职业院校')
    group by school.school_code
)

{{ operand_row("schools", "select count(*) from schools", needs) }}
union all
{{
    operand_row(
        "smart_campuses", "select count(*) from schools where schools.is_smart_campus", needs
    )
}}
