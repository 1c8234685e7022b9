-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"industry_it__recognition": "产业示范认定登记"} %}

with

recognised as (
    select distinct recognition.entity_name
    from {{ in_force("industry_it__recognition") }} as recognition
    cross join {{ source("mart", "current_run") }} as run
    where
        recognition.kind = '工业互联网标识解析二级节点'
        and coalesce(recognition.recognised_on <= run.as_of, true)
        and not coalesce(recognition.revoked_on <= run.as_of, false)
)

{{ operand_row("count", "select count(*) from recognised", needs) }}
