-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "industry_it__software_revenue": "软件和信息技术服务业收入（市工业和信息化局）",
    "china_mobile__software_revenue": "软件和信息技术服务业收入（威海移动公司）",
    "china_unicom__software_revenue": "软件和信息技术服务业收入（威海联通公司）",
    "china_telecom__software_revenue": "软件和信息技术服务业收入（威海电信公司）",
    "broadcast_network__software_revenue": "软件和信息技术服务业收入（威海广电网络公司）",
    "statistics__annual_indicator": "年度统计指标",
} %}

with

reported as (
    select distinct on (report.contract_id, report.reporting_unit, report.year, report.kind)
        report.contract_id,
        report.reporting_unit,
        report.year,
        report.revenue_wan_cny,
        report.contract_id <> 'industry_it__software_revenue' as is_own_report
    from
        {{
            in_force_of_each(
                needs.keys() | reject("equalto", "statistics__annual_indicator") | list,
                [
                    "reporting_unit", "year", "kind", "revenue_wan_cny",
                    "_applied_seq", "_row_no",
                ],
            )
        }} as report
    order by
        report.contract_id asc,
        report.reporting_unit asc,
        report.year asc,
        report.kind asc,
        report._applied_seq desc,
        report._row_no desc
),

-- what a unit reports itself beats the same unit and year in the list
counted as (
    select reported.*
    from reported
    where
        reported.is_own_report
        or not exists (
            select 1
            from reported as own_report
            where
                own_report.is_own_report
                and own_report.reporting_unit = reported.reporting_unit
                and own_report.year = reported.year
        )
),

revenue as (
    select
        counted.year,
        {{ convert_unit("sum(counted.revenue_wan_cny)", "万元", "亿元") }} as value
    from counted
    group by counted.year
),

product as (
    select
        statistic.year,
        {{ convert_unit("statistic.value", "元", "亿元") }} as value
    from {{ annual_statistics("地区生产总值", "元") }} as statistic
),

figures as (
    {{ latest_common_year({"software_it_revenue": "revenue", "regional_gdp": "product"}) }}
)

{{
    annual_operand_rows(
        "figures",
        ["software_it_revenue", "regional_gdp"],
        needs,
        "软件和信息技术服务业收入与地区生产总值",
    )
}}
