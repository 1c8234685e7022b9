{# What theme_city_component and the mart share; clocks: as in `records`. #}
{# City components: one row per component. Of several rows on one code one in use, of the city and controlled counts. #}
{% macro city_components(clocks) -%}
    select distinct on (component.component_code)
        component.component_code,
        component.name,
        kinds.component_kind,
        component.standard_version,
        component.division_code,
        component.grid_code,
        component.department_name,
        component.longitude as given_longitude,
        component.latitude as given_latitude,
        component.coordinate_system,
        component.built_on,
        component.changed_on,
        component.status,
        coalesce(component.is_urban, false) as is_urban,
        coalesce(component.is_smart_controlled, false) as is_smart_controlled,
        {{ in_use("component.status") }} as is_in_use,
        component._batch_id as source_batch_id,
        component._row_no as source_row_no
    from {{ records("housing_construction__city_component", clocks) }} as component
    left join {{ ref("component_kinds") }} as kinds on component.name = kinds.name
    order by
        component.component_code asc,
        ({{ in_use("component.status") }}) desc,
        coalesce(component.is_urban, false) desc,
        coalesce(component.is_smart_controlled, false) desc,
        component._applied_seq desc,
        component._row_no desc
{%- endmacro %}


{# Segments of pipelines and power lines: one row per department and segment. Of several rows on one code one in use
   counts, of these the last. #}
{% macro pipelines(clocks) -%}
    select distinct on (segment.contract_id, segment.segment_code)
        segment.contract_id,
        segment.segment_code,
        segment.utility,
        segment.length_m,
        segment.division_code,
        segment.status,
        coalesce(segment.is_monitored, false) as is_monitored,
        {{ in_use("segment.status") }} as is_in_use,
        segment._batch_id as source_batch_id,
        segment._row_no as source_row_no
    from
        {{
            in_force_of_each(
                [
                    "water_group__utility_pipeline",
                    "power_supply__utility_pipeline",
                    "housing_construction__utility_pipeline",
                ],
                [
                    "segment_code", "utility", "length_m", "is_monitored", "division_code", "status",
                    "_applied_seq", "_batch_id", "_row_no",
                ],
                clocks,
            )
        }} as segment
    order by
        segment.contract_id asc,
        segment.segment_code asc,
        ({{ in_use("segment.status") }}) desc,
        segment._applied_seq desc,
        segment._row_no desc
{%- endmacro %}
