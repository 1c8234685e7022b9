-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__demonstration": "示范推广经验登记"} %}

with

-- one that is promoted at both levels counts at each
promoted as (
    select distinct
        demonstration.experience_no,
        demonstration.level
    from {{ in_force("big_data_center__demonstration") }} as demonstration
    where
        demonstration.field in ('优政', '惠民', '兴业')
        and {{ has_begun("demonstration.promoted_on") }}
)

{{
    operand_row(
        "provincial_promoted",
        "select count(*) from promoted where promoted.level = '省级'",
        needs,
    )
}}
union all
{{
    operand_row(
        "national_promoted",
        "select count(*) from promoted where promoted.level = '国家级'",
        needs,
    )
}}
