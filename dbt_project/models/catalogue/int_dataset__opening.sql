-- one row per data set published by the run's date: whether it opens its category (indicator 18)
{{ config(materialized="view") }}

with

categories as (
    select * from {{ ref("open_categories") }}
),

cycles as (
    select * from {{ ref("update_cycles") }}
),

run as (
    select * from {{ source("mart", "current_run") }}
),

final as (
    select
        dataset.open_category,
        categories.category is not null as is_listed,
        coalesce(dataset.link_status, '') <> '正常' as is_broken,
        coalesce(dataset.record_count, 0) <= 0 as is_empty,
        run.as_of - coalesce(dataset.last_updated_on, dataset.published_on)
        > {{ parameter("open_dataset_stale_cycles") }}::integer
        * coalesce(cycles.days, 366) as is_stale,
        dataset._batch_id as source_batch_id,
        dataset._row_no as source_row_no
    from {{ in_force("big_data_center__open_dataset") }} as dataset
    cross join run
    left join cycles on dataset.update_cycle = cycles.update_cycle
    left join categories on dataset.open_category = categories.category
    where coalesce(dataset.published_on <= run.as_of, true)
)

select * from final
