-- one row per run, indicator and operand
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "indicator_id", "operand"], "unique": true}],
    )
}}

select
    operands.run_id,
    operands.indicator_id,
    operands.operand,
    operands.value,
    operands.reason,
    operands.is_estimated,
    operands.period_used
from {{ ref("int_indicator__operands") }} as operands
