-- one row per resource of the government information catalogue in force at the run's clocks
{{ config(materialized="view") }}

with

resources as (
    select * from {{ in_force("big_data_center__resource_catalogue") }} as resource
),

stated as (
    select
        resources._record_key as resource_key,
        resources.resource_code,
        resources.title,
        resources.category_path,
        resources.department_code,
        resources.department_name,
        resources.abstract,
        resources.format,
        resources.sharing_type,
        resources.sharing_condition,
        resources.sharing_method,
        resources.no_sharing_basis,
        resources.is_open,
        resources.open_category,
        resources.update_cycle,
        resources.published_on,
        resources.is_mounted,
        resources.last_updated_on,
        coalesce(resources.status, '在用') as status,
        resources._batch_id as source_batch_id
    from resources
),

final as (
    select
        stated.*,
        md5(stated::text) as _row_hash
    from stated
)

select * from final
