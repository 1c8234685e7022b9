-- one row per fishing port
{{ config(materialized="table") }}

with

ports as (
    select distinct on (port.port_code)
        port.*,
        {{ position_state("port.longitude", "port.latitude", "'CGCS2000'") }} as position_state
    from {{ records("ocean_development__fishing_port", "present") }} as port
    order by port.port_code asc, port._applied_seq desc, port._row_no desc
),

final as (
    select
        ports.port_code,
        ports.name,
        ports.grade,
        ports.division_code,
        {{ district_code("ports.division_code") }} as district_code,
        ports.berths,
        case
            when ports.position_state in ('stated', 'swapped')
                then greatest(ports.longitude, ports.latitude)
        end as longitude,
        case
            when ports.position_state in ('stated', 'swapped')
                then least(ports.longitude, ports.latitude)
        end as latitude,
        ports.position_state,
        ports._batch_id as source_batch_id,
        ports._row_no as source_row_no
    from ports
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(ports.division_code, 6) = roll_up.division_code
)

select * from final
