-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__app_ranking": "爱山东分厅应用数量排名通报"} %}

with

latest as (
    select
        ranking.period,
        ranking.province_rank
    from {{ in_force("big_data_center__app_ranking") }} as ranking
    where {{ has_begun("ranking.published_on") }}
    order by
        ranking.period desc,
        ranking.published_on desc nulls last,
        ranking._applied_seq desc,
        ranking._row_no desc
    limit 1
)

{{
    operand_row(
        "province_rank",
        "select latest.province_rank from latest",
        needs,
        note="select case when count(*) = 0 then '截至评定日没有已公布的排名通报' end from latest",
        period="select latest.period from latest",
    )
}}
