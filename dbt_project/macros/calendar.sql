{# First and last day of the working-day calendar: the years whose official holiday notices are in
   seeds/calendar_exceptions.csv. #}
{% macro calendar_start() -%} date '2019-01-01' {%- endmacro %}
{% macro calendar_end() -%} date '2026-12-31' {%- endmacro %}
