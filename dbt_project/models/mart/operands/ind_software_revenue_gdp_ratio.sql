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
    {{
        counted(
            needs.keys() | reject("equalto", "statistics__annual_indicator"),
            "report",
            [
                "report.reporting_unit",
                "report.year",
                "report.revenue_wan_cny",
                "report.contract_id <> 'industry_it__software_revenue' as is_own_report",
            ],
            {},
            raw=["reporting_unit", "year", "kind", "revenue_wan_cny"],
            one_per=["report.contract_id", "report.reporting_unit", "report.year", "report.kind"],
        )
    }}
),

-- what a unit reports itself beats the same unit and year in the list
judged as (
    select
        reported.*,
        not reported.is_own_report and exists (
            select 1
            from reported as own_report
            where
                own_report.is_own_report
                and own_report.reporting_unit = reported.reporting_unit
                and own_report.year = reported.year
        ) as is_overruled
    from reported
),

revenue as (
    select
        judged.year,
        {{ convert_unit("sum(judged.revenue_wan_cny)", "万元", "亿元") }} as value
    from {{ those_of("judged") }}
    where not judged.is_overruled
    group by judged.year
),

product as (
    select * from {{ annual_statistics("地区生产总值", "元", to_unit="亿元") }} as statistic
),

figures as (
    {{ latest_common_year({"software_it_revenue": "revenue", "regional_gdp": "product"}) }}
)

{{
    annual_operand_rows(
        "figures",
        {"software_it_revenue": "judged", "regional_gdp": "product"},
        needs,
        "软件和信息技术服务业收入与地区生产总值",
        exclusions={
            "judged": "coalesce(judged.exclusion,"
            ~ " case when judged.is_overruled then '以单位自报的收入为准' end)",
        },
    )
}}
