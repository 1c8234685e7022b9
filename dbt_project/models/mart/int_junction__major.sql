-- one row per major junction in use, with the systems it has; indicators 9 and 35 share this list
{{ config(materialized="view") }}

select
    junction.junction_code,
    bool_or(coalesce(junction.has_realtime_signal, false)) as has_realtime_signal,
    bool_or(coalesce(junction.has_epolice, false)) as has_epolice
from {{ in_force("traffic_police__junction") }} as junction
where
    {{ in_use("junction.status") }}
    and junction.is_branch_road is not true
group by junction.junction_code
