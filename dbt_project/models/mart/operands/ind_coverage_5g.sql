-- one row per operand
{{ config(materialized="view") }}

{% set list = {"big_data_center__key_public_area": "城市重点公共区域名录（5G）"} %}
{% set checks = needs_of_each("coverage_5g", "重点公共区域5G覆盖", operators()) %}

with

key_areas as (
    {{
        counted(
            "big_data_center__key_public_area",
            "area",
            ["area.area_code"],
            {"不在用": in_use("area.status")},
        )
    }}
),

covered as (
    {{
        counted(
            checks,
            "coverage",
            ["coverage.area_code"],
            {
                "没有覆盖": "coverage.is_covered",
                "检测晚于评定日": has_begun("coverage.checked_on"),
            },
            raw=["area_code", "is_covered", "checked_on"],
        )
    }}
),

operators as (
    select
        covered.area_code,
        count(distinct covered.contract_id) as operator_count
    from {{ those_of("covered") }}
    group by covered.area_code
)

{{
    count_row(
        "key_areas_with_5g",
        "covered",
        "covered.area_code",
        dict(list, **checks),
        only={
            "不在重点公共区域名录": "covered.area_code in (select key_areas.area_code from "
            ~ those_of("key_areas") ~ ")",
            "按现用口径须各运营商均覆盖": parameter("coverage_5g_operators") ~ " = 'any' or "
            ~ checks | length ~ " = (select operators.operator_count from operators"
            ~ " where operators.area_code = covered.area_code)",
        },
    )
}}
union all
{{ count_row("key_public_areas", "key_areas", "key_areas.area_code", list) }}
