-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__pilot": "智慧城市试点登记"} %}

with

pilots as (
    select
        pilot.name,
        bool_or(pilot.level = '国家级') as is_national,
        bool_or(pilot.level = '省级') as is_provincial
    from {{ in_force("big_data_center__pilot") }} as pilot
    where
        {{ in_use("pilot.status") }}
        and {{ has_begun("pilot.approved_on") }}
    group by pilot.name
)

{{
    operand_row(
        "national_pilots",
        "select count(*) from pilots where pilots.is_national",
        needs,
    )
}}
union all
{{
    operand_row(
        "provincial_pilots",
        "select count(*) from pilots where pilots.is_provincial"
            ~ " and (not pilots.is_national or " ~ parameter("pilot_at_two_levels") ~ " = 'both')",
        needs,
    )
}}
