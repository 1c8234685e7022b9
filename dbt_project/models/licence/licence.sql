-- one row per electronic licence in force, its holder resolved
{%- set roles = {"person": "person", "entity": "entity"} %}
{%- set contracts = {"administrative_approval__electronic_licence": {"roles": roles}} %}
{{
    config(**by_record(
        contracts,
        columns=["licence_id", "holder_code", "person_id", "entity_id"],
        post_hook=["{{ create_by_holder() }}"],
    ))
}}

with

records as (
    select record.*
    from {{ subject_records("administrative_approval__electronic_licence", roles) }} as record
),

final as (
    select
        {{ subject_columns("administrative_approval__electronic_licence", "records") }},
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
        {{ stated_columns("records") }}
    from records
)

select * from final
