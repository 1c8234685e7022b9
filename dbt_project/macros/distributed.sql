{# On Citus (`citus: true`) a model that names its distribution key is made empty, distributed, then filled: each row goes
   to its node once (docs/decisions/0039-large-tables-by-person-and-entity.md). All keys are uuid, so that equal ones lie
   together. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set key = none if temporary or not var("citus") else model.config.meta.distribution_key -%}
    {%- set is_working = config.get("unlogged", default=false) and not temporary -%}
    {%- if not key and not is_working -%}
        {{ return(dbt.postgres__create_table_as(temporary, relation, sql)) }}
    {%- endif -%}
    {#- working tables are read by this build only, and analysed at once: nothing is left to autovacuum -#}
    create {{ "unlogged " if is_working }}table {{ relation }}
    {{- " with (autovacuum_enabled = off)" if is_working }} as (
        {{ sql }}
    )
    {%- if key %}
    with no data;
    select create_distributed_table('{{ relation }}'::regclass, '{{ key }}');
    insert into {{ relation }}
    {{ sql }}
    {%- endif %}
{%- endmacro %}
