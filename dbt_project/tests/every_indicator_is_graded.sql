-- one row per indicator that the current run left without a value row
select indicators.indicator_id
from {{ ref("indicators") }} as indicators
cross join {{ source("mart", "current_run") }} as run
left join {{ ref("indicator_value_run") }} as graded
    on
        indicators.indicator_id = graded.indicator_id
        and run.run_id = graded.run_id
where graded.indicator_id is null
