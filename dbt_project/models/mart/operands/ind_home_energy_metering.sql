-- one row per operand
{{ config(materialized="view") }}

{% set annual = {"households": "households"} %}
{% set registers = {
    "water_group__smart_meter": "居民能源计量表台账（市水务集团）",
    "power_supply__smart_meter": "居民能源计量表台账（威海供电公司）",
    "housing_construction__smart_meter": "居民能源计量表台账（市住房城乡建设局）",
} %}

with

households as (
    select * from {{ annual_statistics("总户数", "户") }} as statistic
),

figures as (
    {{ latest_common_year(annual) }}
),

meters as (
    {{
        counted(
            registers,
            "meter",
            ["meter.utility", "meter.meter_no"],
            {
                "不在用": in_use("meter.status"),
                "不是居民用表": "meter.is_household",
                "不能远传": "meter.is_remote",
            },
            raw=["utility", "meter_no", "is_household", "is_remote", "status"],
        )
    }}
)

{{
    annual_operand_rows(
        "figures", annual, {"statistics__annual_indicator": "年度统计指标"}, "总户数"
    )
}}
{% for operand, utility in [
    ("smart_water_meters", "水"), ("smart_power_meters", "电"), ("smart_gas_meters", "气")
] %}
union all
{{
    count_row(
        operand,
        "meters",
        "meters.meter_no",
        registers,
        only={"不是" ~ utility ~ "表": "meters.utility = '" ~ utility ~ "'"},
    )
}}
{% endfor %}
