-- one row per source, indicator, category, region, period, measure, vintage and delivered version
{{ config(materialized="view") }}

with

inspections as (
    select distinct on (given.inspection_no)
        given.result,
        to_char(given.inspected_on, 'YYYYMM') as period
    from {{ records("market_regulation__inspection", "present") }} as given
    where given.inspected_on is not null
    order by given.inspection_no asc, given._applied_seq desc, given._row_no desc
),

inspection_state as (
    select
        max(batch.as_of) as as_of,
        max(batch.applied_seq) as applied_seq
    from {{ source("quality", "batch") }} as batch
    where
        batch.department || '__' || batch.extract = 'market_regulation__inspection'
        and batch.applied_seq is not null
),

inspected as (
    select
        inspections.period,
        inspections.result,
        count(*) as inspection_count
    from inspections
    group by inspections.period, inspections.result
),

{% for measure, column in [("month", "month_value"), ("year_to_date", "ytd_value")] %}
statistics_{{ measure }} as (
    {{
        observations_of(
            "statistics__monthly_indicator",
            measure,
            "given.indicator_name",
            "given.region_code",
            "given.period",
            "given." ~ column,
            "given.unit",
            vintage="coalesce(given.vintage, '快报')",
            yoy_pct="given.yoy_pct",
            published_on="given.published_on",
        )
    }}
),

fiscal_{{ measure }} as (
    {{
        observations_of(
            "finance__fiscal_balance",
            measure,
            "given.item",
            "given.region_code",
            "given.period",
            "given." ~ column,
            "'元'",
            yoy_pct="given.yoy_pct",
            published_on="given.published_on",
        )
    }}
),
{% endfor %}
statistics_year as (
    {{
        observations_of(
            "statistics__annual_indicator",
            "year",
            "given.indicator_name",
            "given.region_code",
            "given.year",
            "given.value",
            "given.unit",
            vintage="coalesce(given.vintage, '年报')",
            published_on="given.published_on",
        )
    }}
),

electricity as (
    {{
        observations_of(
            "power_supply__electricity_consumption",
            "month",
            "'行业用电量'",
            "given.region_code",
            "given.period",
            "given.consumption",
            "'千瓦时'",
            category="given.industry",
            yoy_pct="given.yoy_pct",
        )
    }}
),

online_retail as (
    {{
        observations_of(
            "commerce__online_retail_monitor",
            "month",
            "'网络零售额'",
            "given.region_code",
            "given.period",
            "given.sales",
            "'元'",
            category="given.category",
        )
    }}
),

key_projects as (
    select
        'development_reform__key_project' as contract_id,
        measured.indicator_name,
        counted.status as category,
        counted.region_code,
        to_char(counted.as_of, 'YYYYMM') as period,
        'period_end' as measure,
        null::text as vintage,
        measured.given_value,
        measured.given_unit,
        null::numeric as yoy_pct,
        null::date as published_on,
        true as is_current,
        counted.as_of as stated_as_of,
        counted.applied_seq as _applied_seq,
        null::bigint as _batch_id,
        null::integer as _row_no
    from {{ ref("int_key_project__quarterly") }} as counted
    cross join
        lateral (
            values
            ('重点项目数', counted.project_count::numeric, '个'),
            ('重点项目总投资', counted.total_investment_cny, '元'),
            ('重点项目累计完成投资', counted.completed_investment_cny, '元')
        ) as measured (indicator_name, given_value, given_unit)
    where measured.given_value is not null
),

inspection_counts as (
    select
        'market_regulation__inspection' as contract_id,
        '双随机检查次数' as indicator_name,
        inspected.result as category,
        '371000' as region_code,
        inspected.period,
        'month' as measure,
        null::text as vintage,
        inspected.inspection_count::numeric as given_value,
        '次' as given_unit,
        null::numeric as yoy_pct,
        null::date as published_on,
        true as is_current,
        inspection_state.as_of as stated_as_of,
        inspection_state.applied_seq as _applied_seq,
        null::bigint as _batch_id,
        null::integer as _row_no
    from inspected
    cross join inspection_state
),

final as (
    {% for part in [
        "statistics_month", "statistics_year_to_date", "statistics_year", "fiscal_month",
        "fiscal_year_to_date", "electricity", "online_retail", "key_projects", "inspection_counts",
    ] %}
    select * from {{ part }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from final
