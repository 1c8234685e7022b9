{# The masked view of a model: its declared columns, each masked as its `config.meta` says
   (docs/how-to/protect-a-table.md). A column that is not declared is not in it. #}
{% macro masked(model) -%}
    {%- if not execute -%}
        select * from {{ model }}
    {%- else -%}
        {%- set columns = visible_columns(model) -%}
        {%- set hides_numbers = residual_candidates(columns) < var('minimum_candidates') -%}
        select
        {%- for column in columns %}
            {%- set mask = 'hidden' if column.mask == 'id' and hides_numbers else column.mask %}
            {{ mask_expression('model.' ~ adapter.quote(column.name), mask) }} as {{ adapter.quote(column.name) }}
            {{- ',' if not loop.last }}
        {%- endfor %}
        from {{ model }} as model
    {%- endif -%}
{%- endmacro %}


{# The columns of a model that its masked view shows: [{name, level, mask, reveals}], in declared order. #}
{% macro visible_columns(model) -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('schema', 'equalto', model.schema) | selectattr('alias', 'equalto', model.identifier) | list -%}
    {%- set texts = adapter.get_columns_in_relation(model) | selectattr('dtype', 'in', ['text', 'character varying'])
        | map(attribute='name') | list -%}
    {%- set found = [] -%}
    {%- for column in nodes[0].columns.values() -%}
        {%- set meta = (column.config or {}).get('meta') or column.meta or {} -%}
        {%- set where = model.schema ~ '.' ~ model.identifier ~ '.' ~ column.name -%}
        {%- if meta.level not in ('L1', 'L2', 'L3', 'L4') -%}
            {{ exceptions.raise_compiler_error(where ~ ': config.meta.level must be L1, L2, L3 or L4') }}
        {%- endif -%}
        {%- set mask = meta.mask or ('plain' if meta.level in ('L1', 'L2') else 'hidden') -%}
        {%- if mask not in mask_kinds() -%}
            {{ exceptions.raise_compiler_error(where ~ ': unknown mask ' ~ mask) }}
        {%- elif mask == 'plain' and meta.level == 'L4' -%}
            {{ exceptions.raise_compiler_error(where ~ ': a column of level L4 cannot be shown plain') }}
        {%- endif -%}
        {#- numbers in the wrong column do not become public by it -#}
        {%- if mask == 'plain' and column.name in texts -%}
            {%- set mask = 'scan' -%}
        {%- endif -%}
        {%- if mask != 'omit' -%}
            {%- do found.append(
                {'name': column.name, 'level': meta.level, 'mask': mask, 'reveals': meta.reveals or []}
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not found -%}
        {{ exceptions.raise_compiler_error(model.schema ~ '.' ~ model.identifier ~ ': no column is declared') }}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}


{# Kinds of `quality.mask_value`, and those that need no function. #}
{% macro mask_kinds() -%}
    {{ return(['plain', 'scan', 'id', 'phone', 'account', 'address', 'division', 'name', 'text', 'year', 'decade', 'hidden', 'omit']) }}
{%- endmacro %}


{% macro mask_expression(column, mask) -%}
    {%- if mask == 'plain' -%}
        {{ column }}
    {%- elif mask == 'hidden' -%}
        case when {{ column }} is not null then '*' end
    {%- elif mask == 'year' -%}
        extract(year from {{ column }})::smallint
    {%- elif mask == 'decade' -%}
        (floor(extract(year from {{ column }}) / 10) * 10)::smallint
    {%- else -%}
        quality.mask_value({{ column }}::text, '{{ mask }}')
    {%- endif -%}
{%- endmacro %}


{# How many valid identity numbers fit a masked one (371***********001*), at least, given all that the view shows:
   place × birth date × sequence; the check character follows from the rest (GB 11643). #}
{% macro residual_candidates(columns) -%}
    {%- set known = namespace(place=false, dates=var('birth_dates_in_a_life')) -%}
    {%- for column in columns if column.mask not in ('hidden', 'id', 'name', 'phone', 'account') -%}
        {%- set name, reveals = column.name, column.reveals -%}
        {%- if 'place' in reveals or column.mask == 'address' or 'division' in name or 'address' in name
            or 'place' in name or 'household' in name -%}
            {%- set known.place = true -%}
        {%- endif -%}
        {%- if 'birth_date' in reveals or name == 'age' or ('birth' in name or 'born' in name) and 'place' not in name -%}
            {%- set shown = {'decade': 3652, 'year': 365}.get(column.mask, 365 if name in ('age', 'birth_year') else 1) -%}
            {%- set known.dates = [known.dates, shown] | min -%}
        {%- endif -%}
    {%- endfor -%}
    {#- the sequence, and with it the sex, is shown by the mask itself -#}
    {{ return((1 if known.place else var('places_under_a_prefix')) * known.dates) }}
{%- endmacro %}
