-- one row per operand that an ind_ model returns but its indicator does not declare
{{ config(tags=["follows_rules"]) }}

select
    measured.indicator_id,
    measured.operand
from {{ ref("int_indicator__measured") }} as measured
left join {{ ref("indicators") }} as indicators
    on
        measured.indicator_id = indicators.indicator_id
        and jsonb_path_query_array(indicators.operands, '$[*].name') ? measured.operand
where indicators.indicator_id is null
