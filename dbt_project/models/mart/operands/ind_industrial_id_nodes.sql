-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"industry_it__recognition": "产业示范认定登记"} %}

with

recognised as (
    {{
        counted(
            "industry_it__recognition",
            "recognition",
            ["recognition.entity_name"],
            {
                "不是工业互联网标识解析二级节点": "recognition.kind = '工业互联网标识解析二级节点'",
                "评定日尚未认定": has_begun("recognition.recognised_on"),
                "已撤销": "not " ~ has_ended("recognition.revoked_on"),
            },
        )
    }}
)

{{ count_row("count", "recognised", "recognised.entity_name", needs) }}
