-- one row per department: columns of its extracts' latest deliveries; those that are catalogued
{{ config(materialized="view") }}

with

columns as (
    select * from {{ ref("delivered_column") }}
),

contracts as (
    select * from {{ source("catalogue", "contract") }}
),

final as (
    select
        columns.department,
        count(*) filter (where columns.is_catalogued) as passed,
        count(*) as checked,
        {{ examples(
            "contracts.title || '“' || columns.header || '”'",
            "not columns.is_catalogued",
            "columns.contract_id, columns.column_no",
        ) }}
    from columns
    inner join contracts on columns.contract_id = contracts.contract_id
    group by columns.department
)

select * from final
