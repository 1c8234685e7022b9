-- one row per city component
{{ config(materialized="table", indexes=[{"columns": ["component_code"], "unique": true}]) }}

with

components as (
    {{ city_components("present") }}
),

positioned as (
    select
        components.*,
        {{
            position_state(
                "components.given_longitude",
                "components.given_latitude",
                "components.coordinate_system",
            )
        }} as position_state
    from components
),

located as (
    select
        positioned.*,
        {{
            cgcs2000(
                "positioned.given_longitude",
                "positioned.given_latitude",
                "positioned.coordinate_system",
                "positioned.position_state",
            )
        }} as place
    from positioned
),

final as (
    select
        located.component_code,
        located.name,
        located.component_kind,
        located.standard_version,
        substr(located.component_code, 7, 2) as class_code,
        classes.class_name,
        substr(located.component_code, 9, 2) as subclass_code,
        located.division_code,
        {{ district_code("located.division_code") }} as district_code,
        located.grid_code,
        located.department_name,
        located.is_urban,
        located.is_smart_controlled,
        located.status,
        located.is_in_use,
        located.built_on,
        located.changed_on,
        round(located.place[0]::numeric, 7) as longitude,
        round(located.place[1]::numeric, 7) as latitude,
        located.position_state,
        located.coordinate_system as given_coordinate_system,
        located.given_longitude,
        located.given_latitude,
        located.source_batch_id,
        located.source_row_no
    from located
    left join {{ ref("component_classes") }} as classes
        on
            located.standard_version = classes.standard_version
            and substr(located.component_code, 7, 2) = classes.class_code
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(located.division_code, 6) = roll_up.division_code
)

select * from final
