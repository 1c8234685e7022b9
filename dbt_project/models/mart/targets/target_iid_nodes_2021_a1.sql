-- one row: second-level nodes of industrial identifiers, as their indicator counts them
{{ config(materialized="view") }}

select
    operand.value as numerator,
    null::numeric as denominator,
    null::numeric as expected,
    operand.reason
from {{ ref("indicator_operand_run") }} as operand
inner join {{ source("mart", "current_run") }} as clock on operand.run_id = clock.run_id
where operand.indicator_id = 'industrial_id_nodes' and operand.operand = 'count'
