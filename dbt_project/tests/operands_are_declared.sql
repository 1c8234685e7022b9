-- one row per operand that an ind_ model returns but its indicator does not declare
select
    measured.indicator_id,
    measured.operand
from {{ ref("int_indicator__measured") }} as measured
left join {{ ref("indicator_operand_run") }} as declared
    on
        measured.indicator_id = declared.indicator_id
        and measured.operand = declared.operand
where declared.operand is null
