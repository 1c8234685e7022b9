-- one row per operand without a value and without a reason
select
    operands.run_id,
    operands.indicator_id,
    operands.operand
from {{ ref("indicator_operand_run") }} as operands
where
    operands.value is null
    and operands.reason is null
