-- one row per source record that was ever seen: the record's identity → its opaque entity_id
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        full_refresh=false,
        indexes=[{"columns": ["source_table", "record_key"], "unique": true}, {"columns": ["entity_id"]}],
    )
}}

with

records as (
    select
        'market_regulation__enterprise' as source_table,
        version._record_key as record_key,
        min(version._applied_seq) as first_applied_seq
    from {{ source("raw", "market_regulation__enterprise") }} as version
    group by version._record_key
),

final as (
    select
        records.source_table,
        records.record_key,
        gen_random_uuid() as entity_id,
        records.first_applied_seq
    from records
    {% if is_incremental() %}
    where
        not exists (
            select 1
            from {{ this }} as known
            where
                known.source_table = records.source_table
                and known.record_key = records.record_key
        )
    {% endif %}
)

select * from final
