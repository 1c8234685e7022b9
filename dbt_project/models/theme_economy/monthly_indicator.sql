-- one row per source, indicator, category, region and month
{{ config(materialized="view") }}

with

preferred as (
    select * from {{ ref("observation") }}
    where is_preferred and measure in ('month', 'year_to_date')
),

months as (
    select * from preferred
    where measure = 'month'
),

years_to_date as (
    select * from preferred
    where measure = 'year_to_date'
),

final as (
    select
        coalesce(years_to_date.contract_id, months.contract_id) as contract_id,
        coalesce(years_to_date.indicator_name, months.indicator_name) as indicator_name,
        coalesce(years_to_date.category, months.category) as category,
        coalesce(years_to_date.region_code, months.region_code) as region_code,
        coalesce(years_to_date.district_code, months.district_code) as district_code,
        coalesce(years_to_date.period, months.period) as period,
        months.value as month_value,
        years_to_date.value as year_to_date_value,
        coalesce(years_to_date.unit, months.unit) as unit,
        coalesce(years_to_date.yoy_pct, months.yoy_pct) as yoy_pct,
        coalesce(years_to_date.vintage, months.vintage) as vintage,
        coalesce(years_to_date.published_on, months.published_on) as published_on
    from years_to_date
    full join months
        on
            years_to_date.contract_id = months.contract_id
            and years_to_date.indicator_name = months.indicator_name
            and years_to_date.category = months.category
            and years_to_date.region_code = months.region_code
            and years_to_date.period = months.period
)

select * from final
