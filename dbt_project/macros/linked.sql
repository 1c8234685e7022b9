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


{# Whom the mentions of a contract's role mean: (mention_key, person_id); clocks: `present`, or `run`: as it was known to
   the run, person_id null where a mention that is linked by now meant nobody. #}
{% macro person_links(contract_id, role="person", clocks="present") -%}
    {%- set source_no = source_id(contract_id, role) -%}
    (
        {% if clocks == "present" -%}
        select
            link.mention_key,
            link.person_id
        from {{ source("linkage", "person_link") }} as link
        where link.source_id = {{ source_no }}
        {%- else -%}
        select
            coalesce(past.mention_key, link.mention_key) as mention_key,
            case
                when past.mention_key is null then link.person_id
                else past.person_id
            end as person_id
        from (
            select
                known.mention_key,
                known.person_id
            from {{ source("linkage", "person_link") }} as known
            where known.source_id = {{ source_no }}
        ) as link
        full join (
            select distinct on (history.mention_key)
                history.mention_key,
                history.person_id
            from {{ source("linkage", "person_link_history") }} as history
            cross join {{ source("mart", "current_run") }} as clock
            where history.source_id = {{ source_no }} and history.known_to > clock.known_at
            order by history.mention_key asc, history.known_to asc
        ) as past
            on link.mention_key = past.mention_key
        {%- endif %}
    )
{%- endmacro %}


{# Whom the mentions of a contract's role mean by now; a table's figures tell the planner how many that are, those of
   a common table expression do not. #}
{% macro linked_persons(contract_id, role="person", persons=none) -%}
    (
        select linked.person_id
        from {{ source("linkage", "person_link") }} as linked
        where
            linked.source_id = {{ source_id(contract_id, role) }}
            {%- if persons is not none %}
            and linked.person_id in {{ persons }}
            {%- endif %}
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
        inner join {{ person_links(contract_id, role, clocks) }} as link
            on {{ mention_key("versions", is_grouped) }} = link.mention_key
        where
            {% if clocks == "present" -%}
            versions._closed_batch_id is null
            {%- else -%}
            link.person_id is not null
            {%- endif %}
            {%- if persons is not none %}
            and link.person_id in {{ persons }}
            {%- endif %}
    )
{%- endmacro %}
