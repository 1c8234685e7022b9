{# One operand of an ind_ model: its value where every extract it needs was delivered, else null and why.
   needs: {contract id: Chinese title}; value, note, period, is_estimated: SQL expressions; rows: the CTEs made by
   `counted` whose rows it is of, only: conditions on them (macros/counted.sql). #}
{% macro operand_row(
    operand, value, needs, note='null', period='null', is_estimated='false', rows=none, only={}
) -%}
    {%- if lists_rows() %}
    {{ rows_listed(operand, rows, only) }}
    {%- else %}
    select
        '{{ operand }}' as operand,
        case when {{ delivered(needs.keys() | list) }} then ({{ value }})::numeric end as value,
        case
            when {{ delivered(needs.keys() | list) }} then ({{ note }})::text
            else
                '尚未报送：' || concat_ws(
                    '、',
                    {%- for contract_id, title in needs.items() %}
                    case when not {{ delivered([contract_id]) }} then '{{ title }}' end
                    {{- "," if not loop.last }}
                    {%- endfor %}
                )
        end as reason,
        ({{ is_estimated }})::boolean as is_estimated,
        ({{ period }})::text as period_used
    {%- endif %}
{%- endmacro %}


{# An operand that the plan itself fixes. #}
{% macro fixed_operand_row(operand, value) -%}
    {%- if lists_rows() %}
    {{ rows_listed(operand, none, {}) }}
    {%- else %}
    select
        '{{ operand }}' as operand,
        {{ value }}::numeric as value,
        null::text as reason,
        false as is_estimated,
        null::text as period_used
    {%- endif %}
{%- endmacro %}
