{# Source rows and what they count for. The text of an operand model (ind_) is rendered twice: as the operands, and in
   int_operand__row as the list of the source rows that were looked at, each with why it does not count, if so.
   Conditions are {why a row that fails it does not count: SQL}, the reason a text or sql:<expression>; both renderings
   take them from there. #}
{% macro lists_rows() -%}
    {{- "yes" if model is defined and model.name == "int_operand__row" else "" -}}
{%- endmacro %}


{# The rows of a contract, or of the same extract of several departments, in force for the run that meet all conditions;
   listing rows: all of them with `exclusion`, the first reason why one does not count. A CTE's text.
   columns: SQL expressions with names; raw: the columns needed of several departments' extract; one_per: columns of
   which equal ones count once, the row stated last; relation: rows in force with source_batch_id and source_row_no,
   in the place of the contract's; joins: SQL. #}
{% macro counted(
    contract_ids, alias, columns, conditions, raw=[], one_per=[], relation=none, joins="", order_by=[]
) -%}
    {%- set is_one = contract_ids is string -%}
    {%- set batch_id, row_no = ("source_batch_id", "source_row_no") if relation is not none else ("_batch_id", "_row_no") -%}
    {%- set order = order_by or [alias ~ "._applied_seq desc", alias ~ "._row_no desc"] -%}
    select
        {%- if one_per and not lists_rows() %} distinct on ({{ one_per | join(", ") }}){% endif %}
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {{ "'" ~ contract_ids ~ "'" if is_one else alias ~ ".contract_id" }} as contract_id,
        {{ alias }}.{{ batch_id }} as source_batch_id,
        {{ alias }}.{{ row_no }} as source_row_no
        {%- if lists_rows() %},
        {{ exclusion(conditions, one_per, order) }} as exclusion
        {%- endif %}
    from
        {% if relation is not none -%}
        {{ relation }} as {{ alias }}
        {%- elif is_one -%}
        {{ in_force(contract_ids) }} as {{ alias }}
        {%- else -%}
        {{ in_force_of_each(contract_ids | list, raw + ["_applied_seq", "_batch_id", "_row_no"]) }} as {{ alias }}
        {%- endif %}
    {{ joins }}
    {%- if not lists_rows() %}
    {%- if conditions %}
    where
        {%- for condition in conditions.values() %}
        {{ "and " if not loop.first }}({{ condition }})
        {%- endfor %}
    {%- endif %}
    {%- if one_per %}
    order by {{ one_per | join(", ") }}, {{ order | join(", ") }}
    {%- endif %}
    {%- endif %}
{%- endmacro %}


{% macro exclusion(conditions, one_per=[], order=[]) -%}
    case
        {%- for reason, condition in conditions.items() %}
        when ({{ condition }}) is not true
            then {{ reason[4:] if reason.startswith("sql:") else "'" ~ reason ~ "'" }}
        {%- endfor %}
        {%- if one_per %}
        when
            row_number() over (
                partition by
                    {{ one_per | join(", ") }},
                    (
                        {%- for condition in conditions.values() %}
                        {{ "and " if not loop.first }}({{ condition }}) is true
                        {%- else %}
                        true
                        {%- endfor %}
                    )
                order by {{ order | join(", ") }}
            ) > 1 then '同一项以后报的一行为准'
        {%- endif %}
        {%- if not conditions and not one_per %}
        when false then ''
        {%- endif %}
    end
{%- endmacro %}


{# The rows of a CTE made by `counted` that count, whichever way it is rendered. #}
{% macro those_of(rows) -%}
    {%- if lists_rows() -%}
        (select * from {{ rows }} where {{ rows }}.exclusion is null) as {{ rows }}
    {%- else -%}
        {{ rows }}
    {%- endif -%}
{%- endmacro %}


{# One operand: how many different ones the rows of a CTE name that meet the conditions.
   key: SQL expressions, comma-separated. #}
{% macro count_row(operand, rows, key, needs, only={}, note="null", period="null") -%}
    {{
        operand_row(
            operand,
            count_of(rows, key, only),
            needs,
            note=note,
            period=period,
            rows=rows,
            only=only,
        )
    }}
{%- endmacro %}


{% macro count_of(rows, key, only) -%}
    select count(*) from (select distinct {{ key }} from {{ rows ~ where_all(only) }}) as units
{%- endmacro %}


{# One operand: the sum of an amount over the rows of a CTE that meet the conditions; 0 without one. #}
{% macro sum_row(operand, rows, amount, needs, only={}, period="null", is_estimated="false") -%}
    {{
        operand_row(
            operand,
            "select coalesce(sum(" ~ amount ~ "), 0) from " ~ rows ~ where_all(only),
            needs,
            period=period,
            is_estimated=is_estimated,
            rows=rows,
            only=only,
        )
    }}
{%- endmacro %}


{% macro where_all(conditions) -%}
    {%- for condition in conditions.values() -%}
        {{ " and " if not loop.first else " where " }}({{ condition }})
    {%- endfor -%}
{%- endmacro %}


{# The rows of CTEs made by `counted`, as int_operand__row lists them; none where an operand has no rows of its own. #}
{% macro rows_listed(operand, rows, only) -%}
    {%- for name in ([rows] if rows is string else rows or []) %}
    {{ "union all" if not loop.first }}
    select
        '{{ operand }}' as operand,
        {{ name }}.contract_id,
        {{ name }}.source_batch_id,
        {{ name }}.source_row_no,
        coalesce({{ name }}.exclusion, {{ exclusion(only) }}) as exclusion
    from {{ name }}
    {%- else %}
    select
        '{{ operand }}' as operand,
        null::text as contract_id,
        null::bigint as source_batch_id,
        null::bigint as source_row_no,
        null::text as exclusion
    where false
    {%- endfor %}
{%- endmacro %}
