-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "market_regulation__invention_patent": "有效发明专利拥有量",
    "statistics__annual_indicator": "年度统计指标",
} %}

with

patents as (
    select distinct on (patent.year)
        patent.year,
        patent.valid_inventions as value
    from {{ in_force("market_regulation__invention_patent") }} as patent
    where patent.valid_inventions is not null
    order by patent.year asc, patent._applied_seq desc, patent._row_no desc
),

population as (
    select
        statistic.year,
        statistic.value
    from {{ annual_statistics("年末总人口", "人") }} as statistic
),

-- the figure of the year before, by the year that is compared with it
previous_patents as (
    select
        patents.year,
        previous.value
    from patents
    inner join patents as previous on patents.year::integer - 1 = previous.year::integer
),

previous_population as (
    select
        population.year,
        previous.value
    from population
    inner join population as previous on population.year::integer - 1 = previous.year::integer
),

figures as (
    {{
        latest_common_year({
            "valid_invention_patents_end_year": "patents",
            "population_end_year": "population",
            "valid_invention_patents_end_prev_year": "previous_patents",
            "population_end_prev_year": "previous_population",
        })
    }}
)

{{
    annual_operand_rows(
        "figures",
        [
            "valid_invention_patents_end_year",
            "population_end_year",
            "valid_invention_patents_end_prev_year",
            "population_end_prev_year",
        ],
        needs,
        "当年与上年的有效发明专利拥有量、年末总人口",
    )
}}
