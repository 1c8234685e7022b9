-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"public_security__camera": "视频监控摄像机台账"} %}

with

key_area_cameras as (
    select * from {{ ref("int_camera__key_area") }}
)

{{
    operand_row(
        "networked_cameras",
        "select count(*) from key_area_cameras where key_area_cameras.is_networked",
        needs,
    )
}}
union all
{{ operand_row("key_area_cameras", "select count(*) from key_area_cameras", needs) }}
