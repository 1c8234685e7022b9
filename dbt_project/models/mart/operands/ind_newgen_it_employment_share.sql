-- one row per operand
{{ config(materialized="view") }}

{% set registers = {
    "human_resources__social_insurance": "社会保险参保缴费信息",
    "statistics__strategic_industry_class": "战略性新兴产业与国民经济行业对照表",
    "market_regulation__enterprise": "市场主体登记信息",
} %}
{% set statistics = {"statistics__annual_indicator": "年度统计指标"} %}

with

classes as (
    select listed.industry_code
    from {{ in_force("statistics__strategic_industry_class") }} as listed
    where
        listed.industry_group like '新一代信息技术%'
        and (
            not coalesce(listed.is_partial, false)
            or {{ parameter("newgen_it_partial_classes_count") }} = 'yes'
        )
    group by listed.industry_code
),

-- the entities of a code; one of the employer's name stands before others on the same code
employers as (
    select
        entity.uscc,
        entity.name,
        entity.industry_code in (select classes.industry_code from classes) as is_counted
    from {{ as_of_run(ref("entity_history")) }} as entity
    where entity.uscc is not null
),

listed_codes as (
    select employers.uscc
    from employers
    group by employers.uscc
    having bool_or(employers.is_counted)
),

-- payments of employees, of months that have ended
paid as (
    select insurance.*
    from
        {{
            person_records("human_resources__social_insurance", is_grouped=true, clocks="run")
        }} as insurance
    where
        insurance.insurance_type = '城镇职工基本养老保险'
        and coalesce(insurance.status, '参保缴费') = '参保缴费'
),

latest as (
    select max(insurance.period) as period
    from {{ in_force("human_resources__social_insurance") }} as insurance
    where
        insurance.insurance_type = '城镇职工基本养老保险'
        and (to_date(insurance.period, 'YYYYMM') + interval '1 month')::date - 1 <= {{ as_of() }}
),

employed as (
    select distinct
        paid.person_id,
        paid.uscc,
        paid.employer_name
    from paid
    inner join latest on paid.period = latest.period
    inner join listed_codes on paid.uscc = listed_codes.uscc
),

resolved as (
    select distinct on (employed.person_id, employed.uscc, employed.employer_name)
        employed.person_id,
        employers.is_counted
    from employed
    inner join employers on employed.uscc = employers.uscc
    order by
        employed.person_id asc,
        employed.uscc asc,
        employed.employer_name asc,
        (employed.employer_name = employers.name) desc nulls last,
        employers.is_counted desc nulls last
),

counts as (
    select count(distinct resolved.person_id) as person_count
    from resolved
    where resolved.is_counted
),

employment as (
    select * from {{ annual_statistics("总就业人口", "人") }} as statistic
),

figures as (
    {{ latest_common_year({"total_employed": "employment"}) }}
)

{{
    operand_row(
        "newgen_it_employees",
        "select counts.person_count from counts",
        registers,
        note="select case when latest.period is null then '没有已结束月份的参保记录' end from latest",
        period="select latest.period from latest",
    )
}}
union all
{{ annual_operand_rows("figures", {"total_employed": "employment"}, statistics, "总就业人口") }}
