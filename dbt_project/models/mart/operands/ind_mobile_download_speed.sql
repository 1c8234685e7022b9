-- one row per operand
{{ config(materialized="view") }}

{% set needs = needs_of_each("speed_test", "移动网络测速样本", operators()) %}
{% set named_scenes = ["三甲医院", "交通枢纽", "知名商圈", "大型公园", "居民区"] %}

with

samples as (
    {{
        counted(
            needs,
            "sample",
            ["sample.scene", "sample.download_mbps"],
            {
                "没有下载速率": "sample.download_mbps is not null",
                "不在统计时段内": in_assessment_period(local_day("sample.tested_at")),
            },
            raw=["scene", "tested_at", "download_mbps"],
        )
    }}
),

scene_means as (
    select
        samples.scene,
        avg(samples.download_mbps) as mean_mbps
    from samples
    group by samples.scene
),

means as (
    select
        case {{ parameter("download_speed_mean") }}
            when 'by_scene' then (select avg(scene_means.mean_mbps) from scene_means)
            else (select avg(samples.download_mbps) from samples)
        end as mean_mbps
),

-- the scenes that the plan names; further public places may be sampled and need not be
unsampled as (
    select string_agg(named_scenes.scene, '、' order by named_scenes.seq) as scenes
    from
        unnest(string_to_array('{{ named_scenes | join("|") }}', '|'))
        with ordinality as named_scenes (scene, seq)
    left join scene_means on named_scenes.scene = scene_means.scene
    where scene_means.scene is null
)

{{
    operand_row(
        "avg_mbps",
        "select means.mean_mbps from means",
        needs,
        note="select case when means.mean_mbps is null then '统计时段内没有测速样本'"
            ~ " else '没有样本的场景：' || unsampled.scenes end from means cross join unsampled",
        period=assessment_period(),
        rows="samples",
    )
}}
