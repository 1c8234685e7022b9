{# One operand per item of an indicator's checklist: 1 or 0. #}
{% macro checklist_rows(indicator_id) -%}
    {%- set needs = ["big_data_center__evidence"] -%}
    select
        item.item_code as operand,
        case when {{ delivered(needs) }} then item.is_met::integer::numeric end as value,
        case
            when {{ delivered(needs) }} then item.reason
            else {{ not_delivered(["保障措施佐证材料登记"]) }}
        end as reason,
        false as is_estimated,
        null::text as period_used
    from {{ ref("int_checklist_item__met") }} as item
    where item.indicator_id = '{{ indicator_id }}'
{%- endmacro %}
