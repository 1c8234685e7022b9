-- one row per MMSI that several vessels in use state
{{ config(materialized="view") }}

with

final as (
    select
        vessel.mmsi,
        count(*) as vessel_count,
        array_agg(vessel.vessel_code order by vessel.vessel_code) as vessel_codes,
        array_agg(distinct vessel.port order by vessel.port) as ports,
        count(distinct coalesce(vessel.person_id, vessel.entity_id)) as known_owner_count
    from {{ ref("vessel") }} as vessel
    where vessel.has_mmsi_conflict
    group by vessel.mmsi
)

select * from final
