-- one row per delivered date of the list of key projects, division and status
{{ config(materialized="view") }}

{% set contract_id = "development_reform__key_project" %}

with

deliveries as (
    select
        batch.as_of,
        max(batch.applied_seq) as applied_seq
    from {{ source("quality", "batch") }} as batch
    where
        batch.department || '__' || batch.extract = '{{ contract_id }}'
        and batch.applied_seq is not null
    group by batch.as_of
),

closings as (
    select
        closing.record_key,
        closing.version_batch_id,
        min(closing.as_of) as closed_on
    from {{ source("quality", "version_closing") }} as closing
    where closing.table_name = '{{ contract_id }}'
    group by closing.record_key, closing.version_batch_id
),

final as (
    select
        deliveries.as_of,
        deliveries.applied_seq,
        coalesce(project.division_code, '371000') as region_code,
        project.status,
        count(*) as project_count,
        sum(project.total_investment) as total_investment_cny,
        sum(project.completed_investment) as completed_investment_cny
    from deliveries
    inner join {{ source("raw", contract_id) }} as project on deliveries.as_of >= project._as_of
    left join closings
        on
            project._record_key = closings.record_key
            and project._batch_id = closings.version_batch_id
    where coalesce(closings.closed_on > deliveries.as_of, true)
    group by
        deliveries.as_of,
        deliveries.applied_seq,
        coalesce(project.division_code, '371000'),
        project.status
)

select * from final
