-- one row per standard address
{{ config(materialized="table", indexes=[{"columns": ["address_code"], "unique": true}]) }}

with

addresses as (
    select distinct on (address.address_code)
        address.*,
        {{ position_state("address.longitude", "address.latitude", "'CGCS2000'") }}
            as position_state
    from {{ records("natural_resources__standard_address", "present") }} as address
    where address.address_code is not null
    order by
        address.address_code asc,
        address._applied_seq desc,
        address._row_no desc
),

final as (
    select
        addresses.address_code,
        addresses.division_code,
        {{ district_code("addresses.division_code") }} as district_code,
        addresses.street,
        addresses.door_no,
        addresses.unit_no,
        addresses.room_no,
        addresses.full_address,
        case
            when addresses.position_state in ('stated', 'swapped')
                then greatest(addresses.longitude, addresses.latitude)
        end as longitude,
        case
            when addresses.position_state in ('stated', 'swapped')
                then least(addresses.longitude, addresses.latitude)
        end as latitude,
        addresses.position_state,
        addresses._batch_id as source_batch_id,
        addresses._row_no as source_row_no
    from addresses
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(addresses.division_code, 6) = roll_up.division_code
)

select * from final
