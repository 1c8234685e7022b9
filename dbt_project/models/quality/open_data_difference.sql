-- one row per difference between what the warehouse opens and the city's own list of open data sets
{{ config(materialized="view") }}

with

-- of our own data sets only those that were released
own as (
    select
        open_data.*,
        {{ comparable("open_data.title") }} as title_key,
        {{ comparable_unit("open_data.publisher") }} as publisher_key
    from {{ source("catalogue", "open_data") }} as open_data
),

departments as (
    select
        department.department_code,
        min(department.name) as unit_name,
        {{ comparable_unit("min(department.name)") }} as unit_key
    from {{ source("raw", "institution_staffing__department") }} as department
    where department._closed_batch_id is null
    group by department.department_code
),

providers as (
    select departments.unit_key from departments
    where departments.unit_key is not null
),

listed as (
    select
        dataset.dataset_no,
        dataset.open_category,
        dataset.record_count,
        dataset.link_status,
        coalesce(dataset.last_updated_on, dataset.published_on) as updated_on,
        quality.mask_value(dataset.title, 'scan') as title,
        departments.unit_name,
        departments.unit_key,
        {{ comparable("dataset.title") }} as title_key
    from {{ source("raw", "big_data_center__open_dataset") }} as dataset
    left join departments on dataset.department_code = departments.department_code
    where dataset._closed_batch_id is null
),

-- one title can be several departments'; of a company, which is none, somebody else lists it
matched as (
    select
        own.dataset_id,
        own.department,
        own.as_of,
        own.open_category as own_category,
        own.record_count as own_count,
        listed.*
    from own
    inner join listed
        on
            own.title_key = listed.title_key
            and (
                own.publisher_key = coalesce(listed.unit_key, own.publisher_key)
                or own.publisher_key not in (select providers.unit_key from providers)
            )
),

owners as (
    select
        dataset.department,
        {{ comparable_unit("dataset.publisher") }} as publisher_key
    from {{ source("catalogue", "open_dataset") }} as dataset
    group by dataset.department, {{ comparable_unit("dataset.publisher") }}
),

differences as (
    select
        own.department,
        own.dataset_id,
        null as dataset_no,
        own.title,
        own.open_category,
        '台账未列' as difference,
        concat('本仓库已发布 ', own.record_count, ' 行，城市开放台账中没有同名数据集') as detail
    from own
    left join matched on own.dataset_id = matched.dataset_id
    where matched.dataset_id is null
    union all
    select
        owners.department,
        null as dataset_id,
        listed.dataset_no,
        listed.title,
        listed.open_category,
        '仓库未发布' as difference,
        concat('台账提供方', coalesce('为' || listed.unit_name, '不在部门名录中')) as detail
    from listed
    left join matched on listed.dataset_no = matched.dataset_no
    left join owners on listed.unit_key = owners.publisher_key
    where matched.dataset_no is null
    union all
    select
        matched.department,
        matched.dataset_id,
        matched.dataset_no,
        matched.title,
        matched.own_category as open_category,
        found.difference,
        found.detail
    from matched
    cross join
        lateral (
            values
            (
                '类别不同',
                matched.own_category is distinct from matched.open_category,
                concat('台账为', matched.open_category)
            ),
            (
                '数据量不同',
                matched.own_count is distinct from matched.record_count,
                concat(
                    '本仓库 ', matched.own_count, ' 行，台账 ', coalesce(matched.record_count::text, '未填')
                )
            ),
            (
                '链接失效',
                matched.link_status is distinct from '正常',
                concat('台账链接状态：', coalesce(matched.link_status, '未填'))
            ),
            (
                '台账落后',
                matched.updated_on < matched.as_of,
                concat('本仓库数据截至 ', matched.as_of, '，台账更新于 ', matched.updated_on)
            )
        ) as found (difference, is_found, detail)
    where found.is_found
),

final as (
    select differences.*
    from differences
    where quality.is_no_department() or quality.is_department(differences.department)
)

select * from final
