-- one row per department and segment of a pipeline or power line
{{ config(materialized="table") }}

with

segments as (
    {{ pipelines("present") }}
),

final as (
    select
        segments.contract_id,
        segments.segment_code,
        segments.utility,
        segments.length_m,
        segments.is_monitored,
        segments.division_code,
        {{ district_code("segments.division_code") }} as district_code,
        segments.status,
        segments.is_in_use,
        segments.source_batch_id,
        segments.source_row_no
    from segments
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(segments.division_code, 6) = roll_up.division_code
)

select * from final
