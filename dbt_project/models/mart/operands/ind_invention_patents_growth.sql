-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "market_regulation__invention_patent": "有效发明专利拥有量",
    "statistics__annual_indicator": "年度统计指标",
} %}
{% set annual = {
    "valid_invention_patents_end_year": "patents",
    "population_end_year": "population",
    "valid_invention_patents_end_prev_year": "previous_patents",
    "population_end_prev_year": "previous_population",
} %}

with

patents as (
    {{ annual_register("market_regulation__invention_patent", "valid_inventions") }}
),

population as (
    select * from {{ annual_statistics("年末总人口", "人") }} as statistic
),

-- the figure of the year before, by the year that is compared with it
previous_patents as (
    select
        patents.year,
        previous.value,
        previous.contract_id,
        previous.source_batch_id,
        previous.source_row_no
    from patents
    inner join patents as previous on patents.year::integer - 1 = previous.year::integer
),

previous_population as (
    select
        population.year,
        previous.value,
        previous.contract_id,
        previous.source_batch_id,
        previous.source_row_no
    from population
    inner join population as previous on population.year::integer - 1 = previous.year::integer
),

figures as (
    {{ latest_common_year(annual) }}
)

{{
    annual_operand_rows("figures", annual, needs, "当年与上年的有效发明专利拥有量、年末总人口")
}}
