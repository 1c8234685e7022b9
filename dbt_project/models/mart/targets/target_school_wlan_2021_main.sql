-- one row: schools with wireless network, of the schools that indicator 7 counts
{{ config(materialized="view") }}

{% set needs = {"education__school": "学校名录"} %}

with

schools as (
    select
        school.school_code,
        bool_or(coalesce(school.has_wlan, false)) as has_wlan
    from {{ in_force("education__school") }} as school
    where
        {{ in_use("school.status") }}
        and school.stage in ('小学', '初中', '高中', '九年一贯制', '完全中学', '职业院校')
    group by school.school_code
)

{{
    target_row(
        "select count(*) from schools where schools.has_wlan",
        "select count(*) from schools",
        needs,
        reason="select case when count(*) = 0 then '没有在用的学校' end from schools",
    )
}}
