{# On Citus (`citus: true`) a model that names its distribution key is made empty, distributed, then filled: each row goes
   to its node once (docs/decisions/0039-large-tables-by-person-and-entity.md). All keys are uuid, so that equal ones lie
   together. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set key = none if temporary or not var("citus") else model.config.meta.distribution_key -%}
    {%- if key is none or key is undefined -%}
        {{ return(dbt.postgres__create_table_as(temporary, relation, sql)) }}
    {%- endif -%}
    create {{ "unlogged " if config.get("unlogged", default=false) }}table {{ relation }} as (
        {{ sql }}
    )
    with no data;
    select create_distributed_table('{{ relation }}'::regclass, '{{ key }}');
    insert into {{ relation }}
    {{ sql }}
{%- endmacro %}
