-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"public_security__camera": "视频监控摄像机台账"} %}

with

cameras as (
    {{ key_area_cameras() }}
)

{{
    count_row(
        "networked_cameras",
        "cameras",
        "cameras.device_code",
        needs,
        only={"没有联网": "cameras.is_networked"},
    )
}}
union all
{{ count_row("key_area_cameras", "cameras", "cameras.device_code", needs) }}
