-- one row per electronic licence in force, its holder resolved
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {"administrative_approval__electronic_licence": {"roles": roles}} %}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_touched_records(" ~ contracts ~ ") }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}", "{{ create_by_holder() }}"],
        indexes=[
            {"columns": ["contract_id", "record_key"], "unique": true},
            {"columns": ["licence_id"]},
            {"columns": ["holder_code"]},
            {"columns": ["person_id"]},
            {"columns": ["entity_id"]},
        ],
    )
}}

with

records as (
    select record.*
    from {{ subject_records("administrative_approval__electronic_licence", roles) }} as record
),

final as (
    select
        'administrative_approval__electronic_licence' as contract_id,
        records._record_key as record_key,
        records.person_id,
        records.entity_id,
        records.unresolved_reason,
        records.licence_id,
        case
            when records._issues @> '[{"rule": "licence_id.check_character"}]' then false
            else records._issues @> '[{"rule": "licence_id.pattern"}]' is false
        end as is_identifier_valid,
        records.type_code,
        records.type_name,
        records.licence_no,
        records.holder_name,
        records.holder_code,
        records.holder_code_kind,
        records.issuer_name,
        records.issuer_uscc,
        records.issued_on,
        coalesce(records.valid_from, records.issued_on) as valid_from,
        records.valid_to,
        records.status,
        -- ended before its time since it was stated so; 过期 only where no date says since when
        least(
            {{ day_after("records.valid_to") }},
            case
                when
                    records.status in ({{ ended_states("licence") }})
                    or (records.status = '过期' and records.valid_to is null)
                    then records._as_of
            end
        ) as in_force_until,
        records.division_code,
        records.related_licence_id,
        records._as_of as stated_as_of,
        records._batch_id as source_batch_id,
        records._row_no as source_row_no
    from records
)

select * from final
