-- one row per source, indicator, category, region, period, measure, vintage and revision
{{ config(
    materialized="table",
    indexes=[{"columns": ["indicator_name", "region_code", "period"]}],
) }}

{% set figure = "stated.contract_id, stated.indicator_name, stated.category, stated.region_code, "
    ~ "stated.period, stated.measure" %}

with

stated as (
    select
        observed.*,
        observed.given_value * coalesce(units.factor, 1) as value,
        coalesce(units.base_unit, observed.given_unit) as unit
    from {{ ref("int_observation__stated") }} as observed
    left join {{ ref("units") }} as units on observed.given_unit = units.unit
),

revised as (
    select
        stated.*,
        row_number() over (
            partition by {{ figure }}, stated.vintage
            order by stated.stated_as_of asc, stated._applied_seq asc, stated._row_no asc
        ) as revision_no,
        -- what was withdrawn or replaced comes after what stands
        row_number() over (
            partition by {{ figure }}
            order by stated.is_current desc, {{ most_final_first("stated") }}
        ) as preference
    from stated
    left join {{ ref("statistic_vintages") }} as vintages on stated.vintage = vintages.vintage
),

final as (
    select
        revised.contract_id,
        revised.indicator_name,
        coalesce(revised.category, '全部') as category,
        revised.region_code,
        {{ district_code("revised.region_code") }} as district_code,
        revised.period,
        revised.measure,
        coalesce(revised.vintage, '不分') as vintage,
        revised.revision_no,
        revised.value,
        revised.unit,
        revised.given_value,
        revised.given_unit,
        revised.yoy_pct,
        revised.published_on,
        revised.stated_as_of,
        revised.is_current,
        revised.is_current and revised.preference = 1 as is_preferred,
        revised._batch_id as source_batch_id,
        revised._row_no as source_row_no
    from revised
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(revised.region_code, 6) = roll_up.division_code
)

select * from final
