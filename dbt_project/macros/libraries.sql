{# What the base libraries of persons and legal entities share: what a build takes in, how a history is kept.
   kind: person or entity. docs/reference/libraries.md; the models by source are rendered from survivorship.csv. #}
{# One row: how far this build goes, and whether it computes everything. models: the incremental ones of the library. #}
{% macro select_build(kind, models) -%}
    {%- set library = {'person': 'population', 'entity': 'legal_entity'}[kind] -%}
    {%- set history = adapter.get_relation(target.database, library, kind ~ '_history') if execute else none -%}
    select
        coalesce((select max(change.change_no) from {{ source('linkage', kind ~ '_change') }} as change), 0)
            as change_no,
        coalesce(
            (
                select state.known_at
                from {{ source('linkage', 'state') }} as state
                where state.library = '{{ library }}'
            ),
            0
        ) as known_at,
        (
            select min(coalesce(watermark.change_no, 0))
            from (values {% for model in models %}('{{ library }}.{{ model }}'){{ ', ' if not loop.last }}{% endfor %})
                as built (model)
            left join {{ source('mart', 'model_watermark') }} as watermark on built.model = watermark.model
        ) as since_change_no,
        {{ (flags is defined and flags.FULL_REFRESH) or history is none }} as is_whole
{%- endmacro %}


{# The row above, when a model is computed: {change_no, known_at, is_whole}. #}
{% macro library_build(kind) -%}
    {%- set relation = adapter.get_relation(target.database, {'person': 'population', 'entity': 'legal_entity'}[kind], 'int_' ~ kind ~ '__build') if execute else none -%}
    {%- if relation is none -%}
        {{ return({'change_no': 0, 'known_at': 0, 'is_whole': true}) }}
    {%- endif -%}
    {%- set row = run_query('select change_no, known_at, is_whole from ' ~ relation).rows[0] -%}
    {{ return({'change_no': row[0] | int, 'known_at': row[1] | int, 'is_whole': row[2]}) }}
{%- endmacro %}


{# The ids to compute again; none of them are listed where everything is. #}
{% macro select_touched(kind) -%}
    select change.{{ kind }}_id
    from {{ source('linkage', kind ~ '_change') }} as change
    cross join {{ ref('int_' ~ kind ~ '__build') }} as build
    where
        not build.is_whole
        and change.change_no > build.since_change_no
        and change.change_no <= build.change_no
{%- endmacro %}


{# Mentions of one contract and role with whom they were linked to, of those that are computed. #}
{% macro linked_mentions(kind, contract_id, role, build) -%}
    (
        select
            link.{{ kind }}_id,
            link.mention_key,
            link.source_id
        from {{ source('linkage', kind ~ '_link') }} as link
        {%- if not build.is_whole %}
        inner join {{ ref('int_' ~ kind ~ '__touched') }} as touched on link.{{ kind }}_id = touched.{{ kind }}_id
        {%- endif %}
        where link.source_id = {{ source_id(contract_id, role) }}
    )
{%- endmacro %}


{# The first closing of a version, as known to the build: `ended (valid_to, batch_id)`; ready to stand after `left join`. #}
{% macro version_ends(contract_id, versions, build) -%}
    {%- if build.is_whole -%}
    (
        select distinct on (closing.record_key, closing.version_batch_id)
            closing.record_key,
            closing.version_batch_id,
            closing.as_of as valid_to,
            closing.closing_batch_id as batch_id
        from {{ source('quality', 'version_closing') }} as closing
        where closing.table_name = '{{ contract_id }}' and closing.applied_seq <= {{ build.known_at }}
        order by closing.record_key, closing.version_batch_id, closing.as_of, closing.closing_batch_id
    ) as ended
        on {{ versions }}._record_key = ended.record_key and {{ versions }}._batch_id = ended.version_batch_id
    {%- else -%}
    lateral (
        select
            closing.as_of as valid_to,
            closing.closing_batch_id as batch_id
        from {{ source('quality', 'version_closing') }} as closing
        where
            closing.table_name = '{{ contract_id }}'
            and closing.record_key = {{ versions }}._record_key
            and closing.version_batch_id = {{ versions }}._batch_id
            and closing.applied_seq <= {{ build.known_at }}
        order by closing.as_of, closing.closing_batch_id
        limit 1
    ) as ended on true
    {%- endif -%}
{%- endmacro %}


{# Whether two rows state the same of an id from the same day on: values, winners and losers; which delivery said so
   first is no difference. #}
{% macro same_state(kind, held, stated) -%}
    {%- set apart = [kind ~ '_id', 'valid_from', 'caused_by_batch_id', '_source_ids', '_batch_ids', '_row_nos'] -%}
    {%- set columns = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(ref('int_' ~ kind ~ '__stated')) if column.name not in apart -%}
            {%- do columns.append(adapter.quote(column.name)) -%}
        {%- endfor -%}
    {%- else -%}
        {%- do columns.append('valid_to') -%}
    {%- endif -%}
    {{ held }}.{{ kind }}_id = {{ stated }}.{{ kind }}_id
    and {{ held }}.valid_from = {{ stated }}.valid_from
    and (
        {%- for column in columns %}
        {{ held }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    ) is not distinct from (
        {%- for column in columns %}
        {{ stated }}.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}


{# Pre-hook of a history: what it held as known, and what is no longer so, was known until this build. What no run can
   have seen, because it became known and outdated at one number, goes. #}
{% macro supersede(kind) -%}
    {% if execute and load_relation(this) is not none %}
        {%- set build = library_build(kind) -%}
        {%- set touched -%}
            {%- if build.is_whole %} true {%- else %} held.{{ kind }}_id in (
                select touched.{{ kind }}_id from {{ ref('int_' ~ kind ~ '__touched') }} as touched
            ) {%- endif %}
        {%- endset -%}
        update {{ this }} as held
        set known_to = {{ build.known_at }}
        where
            held.known_to is null
            and {{ touched }}
            and not exists (
                select 1
                from {{ ref('int_' ~ kind ~ '__stated') }} as stated
                where {{ same_state(kind, 'held', 'stated') }}
            );
        delete from {{ this }} as held
        where held.known_to <= held.known_from and {{ touched }}
    {% else %}
        select 1
    {% endif %}
{%- endmacro %}


{# Where-clause of a history: the stated rows that it does not hold as known. #}
{% macro is_news(kind, stated) -%}
    {% if is_incremental() -%}
    not exists (
        select 1
        from {{ this }} as held
        where held.known_to is null and {{ same_state(kind, 'held', stated) }}
    )
    {%- else -%}
    true
    {%- endif %}
{%- endmacro %}


{# Post-hook: the model holds everything up to this build. #}
{% macro remember_build(kind) -%}
    insert into {{ source('mart', 'model_watermark') }} (model, change_no, applied_seq)
    select
        '{{ this.schema }}.{{ this.identifier }}',
        build.change_no,
        build.known_at
    from {{ ref('int_' ~ kind ~ '__build') }} as build
    on conflict (model) do update
        set change_no = excluded.change_no, applied_seq = excluded.applied_seq
{%- endmacro %}


{# Post-hook of a history: at most one row per id is open on both clocks. #}
{% macro index_present(kind) -%}
    create unique index if not exists {{ kind }}_history_present
    on {{ this }} ({{ kind }}_id) where valid_to is null and known_to is null
{%- endmacro %}


{# The rows of a history in force for the run: valid at its as-of date and known to it (two clocks). #}
{% macro as_of_run(history) -%}
    (
        select held.*
        from {{ history }} as held
        cross join {{ source('mart', 'current_run') }} as clock
        where
            held.valid_from <= clock.as_of
            and (held.valid_to is null or held.valid_to > clock.as_of)
            and held.known_from <= clock.known_at
            and (held.known_to is null or held.known_to > clock.known_at)
    )
{%- endmacro %}


{# Pre-hook of the identifiers: removes those of what is computed again. All of them are written without indexes. #}
{% macro remove_touched(kind) -%}
    {% if execute and load_relation(this) is not none %}
        {%- if library_build(kind).is_whole %}
        do $$ begin
            truncate {{ this }};
            drop index if exists {{ this.schema }}.{{ kind }}_identifier_owner;
            drop index if exists {{ this.schema }}.{{ kind }}_identifier_value;
        end $$
        {%- else %}
        delete from {{ this }} as held
        using {{ ref('int_' ~ kind ~ '__touched') }} as touched
        where held.{{ kind }}_id = touched.{{ kind }}_id
        {%- endif %}
    {% else %}
        select 1
    {% endif %}
{%- endmacro %}


{# One command, as Citus sends each to its nodes by itself. #}
{% macro index_identifiers(kind) -%}
    do $$ begin
        create index if not exists {{ kind }}_identifier_owner on {{ this }} ({{ kind }}_id);
        create index if not exists {{ kind }}_identifier_value on {{ this }} (identifier);
    end $$
{%- endmacro %}


{# Pre-hook: sorts and hash tables of a city's records stay in memory, and few rows are sampled to know a table; for this
   transaction only. #}
{% macro library_memory() -%}
    set local work_mem = '{{ var("library_work_mem") }}';
    set local default_statistics_target = 10
{%- endmacro %}


{# Post-hook: the planner knows a table that was computed as a whole; what changes later is left to autovacuum. #}
{% macro analyze_whole() -%}
    {{ "select 1" if is_incremental() else "analyze " ~ this }}
{%- endmacro %}
