-- one row per operand
{{ config(materialized="view") }}

{% set areas = {"public_security__key_area": "公共安全视频重点公共区域"} %}
{% set camera_register = {"public_security__camera": "视频监控摄像机台账"} %}

with

key_areas as (
    {{
        counted(
            "public_security__key_area",
            "area",
            ["area.area_code", "area.has_hd_video"],
            {"不在用": in_use("area.status")},
        )
    }}
),

cameras as (
    {{ key_area_cameras() }}
)

{{
    count_row(
        "hd_covered_key_areas",
        "key_areas",
        "key_areas.area_code",
        areas,
        only={"没有高清视频覆盖": "key_areas.has_hd_video"},
    )
}}
union all
{{ count_row("key_public_areas", "key_areas", "key_areas.area_code", areas) }}
union all
{{
    count_row(
        "working_cameras",
        "cameras",
        "cameras.device_code",
        camera_register,
        only={"不能正常工作": "cameras.is_working"},
    )
}}
union all
{{ count_row("cameras", "cameras", "cameras.device_code", camera_register) }}
