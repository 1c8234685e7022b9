-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "water_group__utility_pipeline": "市政管网管线台账（市水务集团）",
    "power_supply__utility_pipeline": "市政管网管线台账（威海供电公司）",
    "housing_construction__utility_pipeline": "市政管网管线台账（市住房城乡建设局）",
} %}

with

segments as (
    select
        segment.utility,
        segment.length_m,
        segment.is_monitored
    from {{ ref("int_pipeline__in_force") }} as segment
    where segment.is_in_use
),

lengths as (
    select
        utilities.utility,
        coalesce(sum(segments.length_m), 0) as length_m,
        coalesce(
            sum(segments.length_m) filter (where segments.is_monitored), 0
        ) as monitored_length_m
    from (values ('水'), ('电'), ('气')) as utilities (utility)
    left join segments on utilities.utility = segments.utility
    group by utilities.utility
)

{% for utility, total, monitored in [
    ("水", "water_pipe_km", "monitored_water_pipe_km"),
    ("电", "power_line_km", "monitored_power_line_km"),
    ("气", "gas_pipe_km", "monitored_gas_pipe_km"),
] %}
{{
    operand_row(
        total,
        "select " ~ convert_unit("lengths.length_m", "米", "公里")
        ~ " from lengths where lengths.utility = '" ~ utility ~ "'",
        needs,
    )
}}
union all
{{
    operand_row(
        monitored,
        "select " ~ convert_unit("lengths.monitored_length_m", "米", "公里")
        ~ " from lengths where lengths.utility = '" ~ utility ~ "'",
        needs,
    )
}}
{{ "union all" if not loop.last }}
{% endfor %}
