-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"health__hospital": "医疗机构信息化评级"} %}

with

hospitals as (
    select
        hospital.institution_code,
        max(
            case {{ parameter("hospital_level_scheme") }}
                when 'smart_service_level' then hospital.smart_service_level
                else hospital.emr_level
            end
        ) as assessed_level
    from {{ in_force("health__hospital") }} as hospital
    where
        {{ in_use("hospital.status") }}
        and hospital.is_public
        and hospital.grade in ('二级', '三级')
    group by hospital.institution_code
)

{{ operand_row("public_hospitals_grade2plus", "select count(*) from hospitals", needs) }}
union all
{{
    operand_row(
        "public_hospitals_level_ge3",
        "select count(*) from hospitals where hospitals.assessed_level >= 3",
        needs,
    )
}}
union all
{{
    operand_row(
        "public_hospitals_level_ge4",
        "select count(*) from hospitals where hospitals.assessed_level >= 4",
        needs,
    )
}}
