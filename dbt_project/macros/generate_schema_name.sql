{# A replay is built in schemas of its own (DBT_PLACE is their prefix) and reads the base libraries where they stand:
   these keep what was known at any time. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set schema = custom_schema_name if custom_schema_name is not none else 'mart' -%}
    {%- if schema not in ('population', 'legal_entity', 'credit', 'licence') -%}
        {{- env_var('DBT_PLACE', '') -}}
    {%- endif -%}
    {{- schema -}}
{%- endmacro %}
