-- one row: resources in use that are mounted; those updated within two of their cycles
{{ config(materialized="view") }}

with

cycles as (
    select * from {{ ref("update_cycles") }}
),

resources as (
    select
        resource.last_updated_on,
        coalesce(cycles.days, 366) as cycle_days
    from {{ in_force("big_data_center__resource_catalogue") }} as resource
    left join cycles on resource.update_cycle = cycles.update_cycle
    where resource.is_mounted and {{ in_use("resource.status") }}
),

final as (
    select
        count(*) filter (
            where {{ as_of() }} - resources.last_updated_on <= 2 * resources.cycle_days
        ) as passed,
        count(resources.last_updated_on) as checked
    from resources
)

select * from final
