{# A title by which data sets of two lists are told to be the same: without white space. #}
{% macro comparable(column) -%}
    regexp_replace({{ column }}, '\s', '', 'g')
{%- endmacro %}


{# A unit's name without the city's: 威海市教育局, 市教育局 and 教育局 are one. #}
{% macro comparable_unit(column) -%}
    regexp_replace(regexp_replace({{ column }}, '\s', '', 'g'), '^(威海)?市?', '')
{%- endmacro %}
