-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "water_group__utility_pipeline": "市政管网管线台账（市水务集团）",
    "power_supply__utility_pipeline": "市政管网管线台账（威海供电公司）",
    "housing_construction__utility_pipeline": "市政管网管线台账（市住房城乡建设局）",
} %}

with

segments as (
    {{
        counted(
            needs,
            "segment",
            ["segment.utility", "segment.length_m", "segment.is_monitored"],
            {"不在用": "segment.is_in_use"},
            relation=ref("int_pipeline__in_force"),
        )
    }}
)

{% for utility, total, monitored in [
    ("水", "water_pipe_km", "monitored_water_pipe_km"),
    ("电", "power_line_km", "monitored_power_line_km"),
    ("气", "gas_pipe_km", "monitored_gas_pipe_km"),
] %}
{% set of_utility = {"不是" ~ utility ~ "管线": "segments.utility = '" ~ utility ~ "'"} %}
{% for operand, only in [
    (total, of_utility),
    (monitored, dict(of_utility, **{"没有智能化监测管理": "segments.is_monitored"})),
] %}
{{
    operand_row(
        operand,
        "select " ~ convert_unit("coalesce(sum(segments.length_m), 0)", "米", "公里")
            ~ " from segments" ~ where_all(only),
        needs,
        rows="segments",
        only=only,
    )
}}
{{ "union all" if not loop.last }}
{% endfor %}
{{ "union all" if not loop.last }}
{% endfor %}
