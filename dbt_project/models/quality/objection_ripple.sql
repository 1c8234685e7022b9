-- one row per objection and indicator, share, open data set or base library that rests on its field
{{ config(materialized="view") }}

with

objections as (
    select * from {{ source("quality", "objection") }}
),

items as (
    select * from {{ source("catalogue", "contract_item") }}
),

contracts as (
    select * from {{ source("catalogue", "contract") }}
),

fields as (
    select * from {{ source("mart", "indicator_field") }}
),

-- an objection to a whole record is one to each of its fields
objected as (
    select
        objections.objection_id,
        objections.contract_id,
        items.item_name as column_name,
        items.level
    from objections
    inner join items
        on
            objections.contract_id = items.contract_id
            and coalesce(objections.column_name, items.item_name) = items.item_name
),

indicators as (
    select
        objected.objection_id,
        indicator.indicator_id,
        indicator.name
    from objected
    inner join fields
        on
            objected.contract_id = fields.contract_id
            and objected.column_name = fields.column_name
    inner join {{ ref("indicators") }} as indicator on fields.indicator_id = indicator.indicator_id
    group by objected.objection_id, indicator.indicator_id, indicator.name
),

touched as (
    select
        indicators.objection_id,
        'indicator' as kind,
        indicators.indicator_id as subject,
        indicators.name as title
    from indicators
    union all
    select
        objected.objection_id,
        'share' as kind,
        'share.' || objected.contract_id as subject,
        '无条件共享：各部门' as title
    from objected
    inner join contracts on objected.contract_id = contracts.contract_id
    where contracts.sharing_type = '无条件共享' and objected.level in ('L1', 'L2')
    group by objected.objection_id, objected.contract_id
    union all
    select
        objected.objection_id,
        'share' as kind,
        'share.' || objected.contract_id || '__' || shared.request_id as subject,
        '共享申请 ' || shared.request_id || '：' || shared.department as title
    from objected
    inner join {{ source("catalogue", "share") }} as shared
        on
            objected.contract_id = shared.contract_id
            and objected.column_name = any(shared.columns)
    where shared.state = '共享中'
    group by
        objected.objection_id, objected.contract_id, shared.request_id, shared.department
    union all
    select
        objected.objection_id,
        'open_dataset' as kind,
        objected.contract_id as subject,
        contracts.title
    from objected
    inner join contracts on objected.contract_id = contracts.contract_id
    where contracts.is_open and objected.level = 'L1'
    group by objected.objection_id, objected.contract_id, contracts.title
    union all
    select
        objected.objection_id,
        'open_dataset' as kind,
        counted.dataset_id as subject,
        dataset.title
    from objected
    inner join {{ source("catalogue", "open_table_field") }} as counted
        on
            objected.contract_id = counted.contract_id
            and objected.column_name = counted.column_name
    inner join {{ source("catalogue", "open_dataset") }} as dataset
        on counted.dataset_id = dataset.dataset_id
    group by objected.objection_id, counted.dataset_id, dataset.title
    union all
    select
        objections.objection_id,
        'library' as kind,
        sources.library as subject,
        case sources.library when 'population' then '人口库' else '法人库' end as title
    from objections
    inner join {{ source("linkage", "source") }} as sources
        on objections.contract_id = sources.contract_id
    group by objections.objection_id, sources.library
),

-- the last published run that does not know the correction, and the first that does
runs as (
    select
        objections.objection_id,
        (
            array_agg(run.run_id order by run.finished_at desc)
            filter (where coalesce(run.known_at < mending.applied_seq, true))
        )[1] as run_before,
        (
            array_agg(run.run_id order by run.finished_at)
            filter (where run.known_at >= mending.applied_seq)
        )[1] as run_after
    from objections
    left join {{ source("quality", "batch") }} as mending
        on objections.mended_batch_id = mending.batch_id
    cross join {{ source("mart", "run") }} as run
    where run.state = 'published'
    group by objections.objection_id
),

figures as (
    select * from {{ ref("indicator_value_run") }}
),

final as (
    select
        objections.objection_id,
        objections.department,
        objections.handler,
        objections.raised_for,
        touched.kind,
        touched.subject,
        touched.title,
        runs.run_before,
        earlier.value as value_before,
        earlier.star as star_before,
        runs.run_after,
        later.value as value_after,
        later.star as star_after
    from touched
    inner join objections on touched.objection_id = objections.objection_id
    left join runs on touched.objection_id = runs.objection_id and touched.kind = 'indicator'
    left join figures as earlier
        on runs.run_before = earlier.run_id and touched.subject = earlier.indicator_id
    left join figures as later
        on runs.run_after = later.run_id and touched.subject = later.indicator_id
)

select * from final
