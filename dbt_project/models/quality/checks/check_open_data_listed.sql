-- one row: data sets that the warehouse released; those that the city's list has as they are
{{ config(materialized="view") }}

with

own as (
    select open_data.dataset_id
    from {{ source("catalogue", "open_data") }} as open_data
),

differing as (
    select difference.dataset_id
    from {{ ref("open_data_difference") }} as difference
    where difference.difference in ('台账未列', '类别不同', '链接失效')
    group by difference.dataset_id
),

final as (
    select
        count(*) filter (where differing.dataset_id is null) as passed,
        count(*) as checked
    from own
    left join differing on own.dataset_id = differing.dataset_id
)

select * from final
