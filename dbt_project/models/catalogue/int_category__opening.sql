-- one row per category that must be opened (22), judged at the run's clocks by indicator 18
{{ config(materialized="view") }}

with

categories as (
    select * from {{ ref("open_categories") }}
),

datasets as (
    select * from {{ ref("int_dataset__opening") }}
),

category_counts as (
    select
        datasets.open_category,
        count(*) as dataset_count,
        count(*) filter (
            where not datasets.is_broken and not datasets.is_empty and not datasets.is_stale
        ) as open_dataset_count,
        count(*) filter (where datasets.is_broken) as broken_count,
        count(*) filter (where datasets.is_empty) as empty_count,
        count(*) filter (where datasets.is_stale) as stale_count
    from datasets
    group by datasets.open_category
),

judged as (
    select
        categories.seq,
        categories.category,
        coalesce(category_counts.dataset_count, 0) as dataset_count,
        coalesce(category_counts.open_dataset_count, 0) as open_dataset_count,
        coalesce(category_counts.open_dataset_count, 0) > 0 as is_open,
        case
            when category_counts.dataset_count is null then '没有已发布的数据集'
            when category_counts.open_dataset_count = 0
                then
                    concat(
                        '已发布的 ',
                        category_counts.dataset_count,
                        ' 个数据集均不算开放：',
                        concat_ws(
                            '，',
                            nullif(category_counts.broken_count, 0) || ' 个链接失效',
                            nullif(category_counts.empty_count, 0) || ' 个没有数据',
                            nullif(category_counts.stale_count, 0) || ' 个超过两个更新周期未更新'
                        )
                    )
        end as reason
    from categories
    left join category_counts on categories.category = category_counts.open_category
),

final as (
    select
        judged.*,
        md5(judged::text) as _row_hash
    from judged
)

select * from final
