-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__app_ranking": "爱山东分厅应用数量排名通报"} %}

with

rankings as (
    {{
        counted(
            "big_data_center__app_ranking",
            "ranking",
            [
                "ranking.period",
                "ranking.published_on",
                "ranking.province_rank",
                "ranking._applied_seq as applied_seq",
            ],
            {"评定日尚未公布": has_begun("ranking.published_on")},
        )
    }}
),

latest as (
    select
        rankings.period,
        rankings.province_rank,
        rankings.source_batch_id,
        rankings.source_row_no
    from {{ those_of("rankings") }}
    order by
        rankings.period desc,
        rankings.published_on desc nulls last,
        rankings.applied_seq desc,
        rankings.source_row_no desc
    limit 1
)

{{
    operand_row(
        "province_rank",
        "select latest.province_rank from latest",
        needs,
        note="select case when count(*) = 0 then '截至评定日没有已公布的排名通报' end from latest",
        period="select latest.period from latest",
        rows="rankings",
        only={
            "以最近一期通报为准": "(rankings.source_batch_id, rankings.source_row_no)"
            ~ " in (select latest.source_batch_id, latest.source_row_no from latest)",
        },
    )
}}
