-- one row per operand
{{ config(materialized="view") }}

{% set statistics = {"statistics__annual_indicator": "年度统计指标"} %}
{% set registers = {
    "water_group__smart_meter": "居民能源计量表台账（市水务集团）",
    "power_supply__smart_meter": "居民能源计量表台账（威海供电公司）",
    "housing_construction__smart_meter": "居民能源计量表台账（市住房城乡建设局）",
} %}

with

households as (
    select
        statistic.year,
        statistic.value
    from {{ annual_statistics("总户数", "户") }} as statistic
),

figures as (
    {{ latest_common_year({"households": "households"}) }}
),

meters as (
    select
        meter.utility,
        meter.meter_no
    from
        {{
            in_force_of_each(
                registers.keys() | list,
                ["utility", "meter_no", "is_household", "is_remote", "status"],
            )
        }} as meter
    where
        {{ in_use("meter.status") }}
        and meter.is_household
        and meter.is_remote
        and meter.utility in ('水', '电', '气')
    group by meter.utility, meter.meter_no
),

counts as (
    select
        count(*) filter (where meters.utility = '水') as water_count,
        count(*) filter (where meters.utility = '电') as power_count,
        count(*) filter (where meters.utility = '气') as gas_count
    from meters
)

{{ annual_operand_rows("figures", ["households"], statistics, "总户数") }}
union all
{{ operand_row("smart_water_meters", "select counts.water_count from counts", registers) }}
union all
{{ operand_row("smart_power_meters", "select counts.power_count from counts", registers) }}
union all
{{ operand_row("smart_gas_meters", "select counts.gas_count from counts", registers) }}
