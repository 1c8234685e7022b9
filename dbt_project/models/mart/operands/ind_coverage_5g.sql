-- one row per operand
{{ config(materialized="view") }}

{% set list = {"big_data_center__key_public_area": "城市重点公共区域名录（5G）"} %}
{% set checks = needs_of_each("coverage_5g", "重点公共区域5G覆盖", operators()) %}

with

key_areas as (
    select distinct area.area_code
    from {{ in_force("big_data_center__key_public_area") }} as area
    where {{ in_use("area.status") }}
),

-- one operator is enough
covered as (
    select distinct coverage.area_code
    from {{ in_force_of_each(checks, ["area_code", "is_covered", "checked_on"]) }} as coverage
    where
        coverage.is_covered
        and {{ has_begun("coverage.checked_on") }}
)

{{
    operand_row(
        "key_areas_with_5g",
        "select count(*) from key_areas"
            ~ " inner join covered on key_areas.area_code = covered.area_code",
        dict(list, **checks),
    )
}}
union all
{{ operand_row("key_public_areas", "select count(*) from key_areas", list) }}
