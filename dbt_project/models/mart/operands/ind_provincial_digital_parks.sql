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
                "不是数字经济园区": "recognition.kind = '数字经济园区'",
                "不是省级或国家级": "recognition.level in ('省级', '国家级')",
                "评定日尚未认定": has_begun("recognition.recognised_on"),
                "已撤销": "not " ~ has_ended("recognition.revoked_on"),
            },
        )
    }}
)

{{ count_row("count", "recognised", "recognised.entity_name", needs) }}
