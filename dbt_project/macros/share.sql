{# A share with six places, rounded down so that it never looks better than it is; null over nothing. #}
{% macro share(part, whole) -%}
    trunc(({{ part }})::numeric / nullif({{ whole }}, 0), 6)
{%- endmacro %}


{# Of the core items of all rows, the share that is filled; an aggregate over a relation. #}
{% macro core_items_filled(relation, items) -%}
    {{ share(
        "sum(num_nonnulls(" ~ relation ~ "." ~ items | join(", " ~ relation ~ ".") ~ "))",
        "count(*) * " ~ items | length
    ) }}
{%- endmacro %}
