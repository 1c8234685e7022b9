{# Number of a contract's role in linkage, as a literal: the planner must know how many mentions a source has. A role that
   nobody was linked by yet has none; no source is number -1. #}
{% macro source_id(contract_id, role) -%}
    {%- set number = -1 -%}
    {%- if execute -%}
        {%- set found = run_query(
            "select source_id from linkage.source where contract_id = '" ~ contract_id ~ "' and role = '" ~ role ~ "'"
        ).rows -%}
        {%- set number = found[0][0] | int if found else -1 -%}
    {%- endif -%}
    {{ number }}
{%- endmacro %}


{# The mention key of a record; is_grouped: the contract's mentions have a grain, and records share a mention.
   The same as linkage.mention_sql.mention_key (a test compares them). #}
{% macro mention_key(alias, is_grouped=false) -%}
    {{ alias }}.{{ "_mention_key" if is_grouped else "_record_key" }}
{%- endmacro %}


{# All versions of a contract's records with the person they speak of in a role, and since and until when each was in
   force by business date (half-open, as known now); persons: a relation or query of person_id to which they are
   confined. #}
{% macro person_versions(contract_id, role="person", persons=none, is_grouped=false) -%}
    (
        select *
        from (
            select
                link.person_id,
                versions.*,
                versions._as_of as in_force_from,
                case
                    when versions._closed_batch_id is null then date 'infinity'
                    else coalesce(
                        (
                            select min(closing.as_of)
                            from {{ source("quality", "version_closing") }} as closing
                            where
                                closing.table_name = '{{ contract_id }}'
                                and closing.record_key = versions._record_key
                                and closing.version_batch_id = versions._batch_id
                        ),
                        date 'infinity'
                    )
                end as in_force_to
            from {{ source("raw", contract_id) }} as versions
            inner join {{ source("linkage", "person_link") }} as link
                on
                    {{ mention_key("versions", is_grouped) }} = link.mention_key
                    and link.source_id = {{ source_id(contract_id, role) }}
            {%- if persons is not none %}
            where link.person_id in {{ persons }}
            {%- endif %}
        ) as dated
        where dated.in_force_from < dated.in_force_to
    )
{%- endmacro %}


{# The records of a contract in force with the person they speak of; clocks: `present` (all that is known now) or `run`
   (the run's). #}
{% macro person_records(contract_id, role="person", persons=none, is_grouped=false, clocks="present") -%}
    (
        select
            link.person_id,
            link.mention_key,
            versions.*
        from
            {% if clocks == "run" -%}
            {{ in_force(contract_id) }} as versions
            {%- else -%}
            {{ source("raw", contract_id) }} as versions
            {%- endif %}
        inner join {{ source("linkage", "person_link") }} as link
            on
                {{ mention_key("versions", is_grouped) }} = link.mention_key
                and link.source_id = {{ source_id(contract_id, role) }}
        where
            {% if clocks == "present" -%}
            versions._closed_batch_id is null
            {%- else -%}
            true
            {%- endif %}
            {%- if persons is not none %}
            and link.person_id in {{ persons }}
            {%- endif %}
    )
{%- endmacro %}
