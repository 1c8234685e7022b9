-- one row: smart marine ranches, where they alone reach the target; farms have no source
{{ config(materialized="view") }}

{% set needs = {"ocean_development__marine_ranch": "海洋牧场信息"} %}

with

ranches as (
    select count(distinct ranch.ranch_code) as ranch_count
    from {{ in_force("ocean_development__marine_ranch") }} as ranch
    where
        ranch.is_smart
        and {{ has_begun("ranch.built_on") }}
),

target as (
    select target.target_value::numeric as threshold
    from {{ ref("plan_targets") }} as target
    where target.target_id = 'smart_farms_2022_main'
)

{{
    target_row(
        "select ranches.ranch_count from ranches inner join target"
            ~ " on ranches.ranch_count >= target.threshold",
        "null",
        needs,
        reason="select '智慧海洋牧场 ' || ranches.ranch_count || ' 个；智慧农场尚无数据来源' from ranches",
    )
}}
