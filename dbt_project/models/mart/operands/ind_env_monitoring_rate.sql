-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "natural_resources__area": "区域面积",
    "ecology__monitoring_coverage": "环境质量自动监测覆盖",
} %}

with

region as (
    {{ annual_area("行政区域") }}
),

coverage as (
    select distinct on (monitored.element, monitored.year)
        monitored.element,
        monitored.year,
        monitored.covered_area_sqkm as value
    from {{ in_force("ecology__monitoring_coverage") }} as monitored
    where monitored.covered_area_sqkm is not null
    order by
        monitored.element asc,
        monitored.year asc,
        monitored._applied_seq desc,
        monitored._row_no desc
),

air as (
    select
        coverage.year,
        coverage.value
    from coverage
    where coverage.element = '空气'
),

water as (
    select
        coverage.year,
        coverage.value
    from coverage
    where coverage.element = '水体'
),

noise as (
    select
        coverage.year,
        coverage.value
    from coverage
    where coverage.element = '噪声'
),

figures as (
    {{
        latest_common_year({
            "region_area": "region",
            "air_monitored_area": "air",
            "water_monitored_area": "water",
            "noise_monitored_area": "noise",
        })
    }}
)

{{
    annual_operand_rows(
        "figures",
        ["region_area", "air_monitored_area", "water_monitored_area", "noise_monitored_area"],
        needs,
        "区域面积与空气、水体、噪声监测覆盖面积",
    )
}}
