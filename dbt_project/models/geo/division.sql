-- one row per division code and name it had
{{ config(materialized="table") }}

with

named as (
    select
        divisions.code as division_code,
        divisions.name,
        divisions.level as division_level,
        divisions.parent_code,
        divisions.basis,
        divisions.is_current,
        to_date(divisions.first_seen, 'YYYY-MM') as seen_from,
        -- the day after the month of the last edition
        case
            when not divisions.is_current
                then (to_date(divisions.last_seen, 'YYYY-MM') + interval '1 month')::date
        end as seen_until,
        divisions.aliases
    from {{ ref("divisions") }} as divisions
),

final as (
    select
        named.division_code,
        named.name,
        named.division_level,
        named.parent_code,
        named.basis,
        named.is_current,
        named.seen_from,
        named.seen_until,
        coalesce(
            roll_up.district_code,
            case
                when named.division_level = 'street' then left(named.division_code, 6)
                when
                    named.division_level = 'district'
                    and named.basis = 'gb_t_2260'
                    and named.is_current
                    then named.division_code
            end
        ) as district_code,
        roll_up.kind as roll_up_kind,
        roll_up.source as roll_up_source,
        named.aliases
    from named
    -- a street of a development zone belongs to the zone's district
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(named.division_code, 6) = roll_up.division_code
)

select * from final
