{# A quantity in another unit of its kind (seeds/units.csv), exactly. #}
{% macro convert_unit(expression, from_unit, to_unit) -%}
    (
        ({{ expression }})
        * (select units.factor from {{ ref("units") }} as units where units.unit = '{{ from_unit }}')
        / (select units.factor from {{ ref("units") }} as units where units.unit = '{{ to_unit }}')
    )
{%- endmacro %}
