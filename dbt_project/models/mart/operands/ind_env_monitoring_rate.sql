-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "natural_resources__area": "区域面积",
    "ecology__monitoring_coverage": "环境质量自动监测覆盖",
} %}
{% set elements = {"air": "空气", "water": "水体", "noise": "噪声"} %}
{% set annual = {
    "region_area": "region",
    "air_monitored_area": "air",
    "water_monitored_area": "water",
    "noise_monitored_area": "noise",
} %}

with

region as (
    {{ annual_area("行政区域") }}
),

{% for relation, element in elements.items() %}
{{ relation }} as (
    {{
        annual_register(
            "ecology__monitoring_coverage",
            "covered_area_sqkm",
            where="reported.element = '" ~ element ~ "'",
        )
    }}
),

{% endfor %}
figures as (
    {{ latest_common_year(annual) }}
)

{{
    annual_operand_rows(
        "figures", annual, needs, "区域面积与空气、水体、噪声监测覆盖面积"
    )
}}
