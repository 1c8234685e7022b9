{# Section (letter) of an industry code of GB/T 4754-2017, of any depth; a scalar. #}
{% macro industry_section(column) -%}
    case
        when {{ column }} ~ '^[A-T]' then left({{ column }}, 1)
        else (
            select sections.section_code
            from {{ ref("industry_sections") }} as sections
            where left({{ column }}, 2) between sections.first_division and sections.last_division
        )
    end
{%- endmacro %}
