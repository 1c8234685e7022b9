-- one row per fishing vessel, its owner resolved
{%- set roles = {"person": "person", "entity": "entity"} %}
{{ config(materialized="table", indexes=[{"columns": ["person_id"]}, {"columns": ["entity_id"]}]) }}

with

vessels as (
    select distinct on (record.vessel_code)
        record.*,
        {{ in_use("record.status") }} as is_in_use
    from {{ subject_records("ocean_development__fishing_vessel", roles) }} as record
    order by record.vessel_code asc, record._applied_seq desc, record._row_no desc
),

-- one number on several vessels in use: at least one of them is not the vessel that is seen
conflicts as (
    select
        vessels.mmsi,
        count(*) as vessel_count
    from vessels
    where vessels.is_in_use and vessels.mmsi is not null
    group by vessels.mmsi
    having count(*) > 1
),

final as (
    select
        vessels.vessel_code,
        vessels.name,
        vessels.port,
        vessels.person_id,
        vessels.entity_id,
        case
            when vessels.person_id is not null then 'person'
            when vessels.entity_id is not null then 'entity'
        end as owner_kind,
        vessels.unresolved_reason,
        vessels.gross_tonnage,
        vessels.power_kw,
        vessels.registration_no,
        vessels.mmsi,
        vessels.is_in_use and conflicts.mmsi is not null as has_mmsi_conflict,
        vessels.beidou_id,
        vessels.valid_to,
        vessels.status,
        vessels.is_in_use,
        vessels._batch_id as source_batch_id,
        vessels._row_no as source_row_no
    from vessels
    left join conflicts on vessels.mmsi = conflicts.mmsi
)

select * from final
