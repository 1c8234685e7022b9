-- one row per operand
{{ config(materialized="view") }}

{% set areas = {"public_security__key_area": "公共安全视频重点公共区域"} %}
{% set cameras = {"public_security__camera": "视频监控摄像机台账"} %}

with

key_areas as (
    select
        area.area_code,
        bool_or(coalesce(area.has_hd_video, false)) as has_hd_video
    from {{ in_force("public_security__key_area") }} as area
    where {{ in_use("area.status") }}
    group by area.area_code
),

key_area_cameras as (
    select * from {{ ref("int_camera__key_area") }}
)

{{
    operand_row(
        "hd_covered_key_areas",
        "select count(*) from key_areas where key_areas.has_hd_video",
        areas,
    )
}}
union all
{{ operand_row("key_public_areas", "select count(*) from key_areas", areas) }}
union all
{{
    operand_row(
        "working_cameras",
        "select count(*) from key_area_cameras where key_area_cameras.is_working",
        cameras,
    )
}}
union all
{{ operand_row("cameras", "select count(*) from key_area_cameras", cameras) }}
