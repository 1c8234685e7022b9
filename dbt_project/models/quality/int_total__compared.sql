-- one row per total that both the warehouse counts and statistics publish, its latest period
{{ config(materialized="view") }}

with

totals as (
    select * from {{ ref("statistic_totals") }}
),

published as (
    select
        observation.indicator_name,
        observation.measure,
        observation.period,
        observation.value,
        observation.unit
    from {{ ref("observation") }} as observation
    where
        observation.is_preferred
        and observation.region_code = '371000'
        and observation.category = '全部'
        and observation.contract_id in (
            'statistics__annual_indicator', 'statistics__monthly_indicator'
        )
),

counted as (
    select
        'population' as total,
        null as period,
        count(*)::numeric as value
    from {{ ref("person") }} as person
    where
        person.life_status = 'alive'
        and person.residence_status in ('registered', 'resident')
    union all
    select
        'enterprises_founded' as total,
        founded.period,
        sum(founded.founded_count) as value
    from {{ ref("business_demography") }} as founded
    group by founded.period
    union all
    select
        'tax_revenue' as total,
        to_char(voucher.paid_on, 'YYYYMM') as period,
        sum(voucher.amount_cny) as value
    from {{ records("taxation__tax_revenue", "present") }} as voucher
    where voucher.paid_on is not null and voucher.tax_type like '%税'
    group by to_char(voucher.paid_on, 'YYYYMM')
),

-- a count without a period is of the present, and compared with the latest figure
final as (
    select distinct on (totals.total)
        totals.total,
        totals.title,
        totals.department,
        totals.tolerance_pct,
        published.period,
        published.unit,
        counted.value as counted,
        published.value as published
    from totals
    inner join published
        on
            totals.indicator_name = published.indicator_name
            and totals.measure = published.measure
    inner join counted
        on
            totals.total = counted.total
            and coalesce(counted.period, published.period) = published.period
    where published.value > 0 and counted.value > 0
    order by totals.total asc, published.period desc
)

select * from final
