{# One operand per item of an indicator's checklist: 1 or 0. #}
{% macro checklist_rows(indicator_id) -%}
    {%- set needs = ["big_data_center__evidence"] -%}
    {%- if lists_rows() %}
    select
        supported.operand,
        evidence.contract_id,
        evidence.source_batch_id,
        evidence.source_row_no,
        evidence.exclusion
    from {{ ref("int_evidence__judged") }} as evidence
    inner join {{ ref("indicators") }} as indicators on evidence.indicator_id = indicators.indicator_id
    cross join
        lateral unnest(array[evidence.item_code, indicators.formula -> 'implications' ->> evidence.item_code])
        as supported (operand)
    inner join {{ ref("int_checklist_item__met") }} as item
        on evidence.indicator_id = item.indicator_id and supported.operand = item.item_code
    where evidence.indicator_id = '{{ indicator_id }}'
    {%- else %}
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
    {%- endif %}
{%- endmacro %}
