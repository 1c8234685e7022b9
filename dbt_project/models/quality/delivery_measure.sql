-- one row per applied delivery, the latest one of its as-of date, and measure of it
{%- set sums = [
    ("taxation__tax_revenue", "amount_cny"),
    ("human_resources__pension_payment", "amount_cny"),
] %}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        indexes=[{"columns": ["batch_id", "measure"], "unique": true}],
    )
}}

with

batches as (
    select
        batch.batch_id,
        batch.department || '__' || batch.extract as contract_id,
        batch.as_of,
        batch.applied_seq,
        batch.rows_read
    from {{ source("quality", "batch") }} as batch
    where
        batch.applied_seq is not null
        {% if is_incremental() -%}
        and not exists (
            select 1
            from {{ this }} as held
            where held.batch_id = batch.batch_id
        )
        {%- endif %}
),

measured as (
    select
        batches.batch_id,
        'rows' as measure,
        batches.rows_read::numeric as value
    from batches
    where batches.rows_read is not null
    {% for contract_id, column in sums -%}
    union all
    select
        delivered._batch_id as batch_id,
        '{{ column }}' as measure,
        sum(delivered.{{ column }}) as value
    from {{ source("raw", contract_id) }} as delivered
    inner join batches
        on
            delivered._batch_id = batches.batch_id
            and batches.contract_id = '{{ contract_id }}'
    group by delivered._batch_id
    {% endfor %}
),

final as (
    select
        batches.contract_id,
        batches.batch_id,
        batches.as_of,
        batches.applied_seq,
        measured.measure,
        measured.value
    from batches
    inner join measured on batches.batch_id = measured.batch_id
    where measured.value is not null
)

select * from final
