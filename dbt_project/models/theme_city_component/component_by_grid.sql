-- one row per grid, standard, class and name of the components in use
{{ config(materialized="view") }}

with

final as (
    select
        component.grid_code,
        component.district_code,
        component.standard_version,
        component.class_code,
        component.class_name,
        component.name,
        component.component_kind,
        count(*) as component_count,
        count(*) filter (where component.is_smart_controlled) as smart_controlled_count,
        count(*) filter (where component.longitude is null) as without_position_count
    from {{ ref("component") }} as component
    where component.is_in_use
    group by
        component.grid_code,
        component.district_code,
        component.standard_version,
        component.class_code,
        component.class_name,
        component.name,
        component.component_kind
)

select * from final
