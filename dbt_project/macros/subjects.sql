{# Incremental models with one row per record in force of one or more contracts, resolved to a person or an entity.
   They hold contract_id, record_key, person_id, entity_id. contracts: {contract id: {roles: {kind: role}, is_grouped}}. #}

{# What such a model is configured by; columns: other ones to look rows up by. #}
{% macro by_record(contracts, columns=["person_id", "entity_id"], post_hook=[]) -%}
    {%- set indexes = [{"columns": ["record_key", "contract_id"], "unique": true}] -%}
    {%- for column in columns + ["unresolved_reason"] -%}
        {%- do indexes.append({"columns": [column]}) -%}
    {%- endfor -%}
    {{ return({
        "materialized": "incremental",
        "incremental_strategy": "append",
        "meta": {"distribution_key": "record_key"},
        "pre_hook": ["{{ library_memory() }}", "{{ remove_touched_records(" ~ contracts ~ ") }}"],
        "post_hook": ["{{ analyze_whole() }}", "{{ remember_watermark() }}"] + post_hook,
        "indexes": indexes,
    }) }}
{%- endmacro %}


{# First columns of such a model: which record it is, and whom it speaks of. #}
{% macro subject_columns(contract_id, record) -%}
    '{{ contract_id }}' as contract_id,
    {{ record }}._record_key as record_key,
    {{ record }}.person_id,
    {{ record }}.entity_id,
    {{ record }}.unresolved_reason
{%- endmacro %}


{# Last columns of such a model: the delivery that states the record. #}
{% macro stated_columns(record) -%}
    {{ record }}._as_of as stated_as_of,
    {{ record }}._batch_id as source_batch_id,
    {{ record }}._row_no as source_row_no
{%- endmacro %}


{# Name of the temporary table of the records to compute again. #}
{% macro touched_records() -%} touched_{{ this.identifier }} {%- endmacro %}


{# The batches of a contract that were applied since this model was computed, as literals: a block index finds their
   records. #}
{% macro news_of(contract_id) -%}
    {%- set department, extract = contract_id.split("__", 1) -%}
    {%- set found = run_query(
        "select batch.batch_id from " ~ source("quality", "batch") ~ " as batch where batch.applied_seq > "
        ~ watermark("applied_seq") ~ " and batch.department = '" ~ department ~ "' and batch.extract = '" ~ extract ~ "'"
    ).rows -%}
    {{ return(found | map(attribute=0) | map("int") | list) }}
{%- endmacro %}


{# Pre-hook: notes the records whose content or subject changed since, and those that have no subject for another reason
   now, and removes their rows. #}
{% macro remove_touched_records(contracts) -%}
    {% if execute and load_relation(this) is not none and not flags.FULL_REFRESH %}
        {%- for kind in ("person", "entity") %}
        create temporary table changed_{{ kind }} on commit drop as
        select changed.{{ kind }}_id
        from {{ changed_since(kind) }} as changed;
        analyze changed_{{ kind }};
        {%- endfor %}
        create temporary table {{ touched_records() }} on commit drop as
        {%- for kind in ("person", "entity") %}
        select
            held.contract_id,
            held.record_key
        from {{ this }} as held
        where held.{{ kind }}_id in (select changed_{{ kind }}.{{ kind }}_id from changed_{{ kind }})
        union
        {%- endfor %}
        {%- for contract_id, of in contracts.items() %}
        {%- set is_grouped = of.is_grouped or false %}
        {%- set key = mention_key("versions", true) if is_grouped else "held.record_key" %}
        select
            held.contract_id,
            held.record_key
        from {{ this }} as held
        {%- if is_grouped %}
        inner join {{ source("raw", contract_id) }} as versions
            on held.record_key = versions._record_key and versions._closed_batch_id is null
        {%- endif %}
        {{ join_subjects(contract_id, of.roles, key) }}
        where
            held.contract_id = '{{ contract_id }}'
            and held.unresolved_reason is not null
            and held.unresolved_reason is distinct from {{ unresolved_reason(contract_id, of.roles, key) }}
        {%- set batches = news_of(contract_id) %}
        {%- if batches %}
        union
        select
            '{{ contract_id }}',
            versions._record_key
        from {{ source("raw", contract_id) }} as versions
        where versions._batch_id in ({{ batches | join(", ") }})
        {%- endif %}
        union
        select
            closing.table_name,
            closing.record_key
        from {{ source("quality", "version_closing") }} as closing
        where
            closing.table_name = '{{ contract_id }}'
            and closing.applied_seq > {{ watermark("applied_seq") }}
        {%- for kind, role in of.roles.items() %}
        union
        select
            '{{ contract_id }}',
            {% if is_grouped -%}
            versions._record_key
        from {{ source("raw", contract_id) }} as versions
        inner join {{ source("linkage", kind ~ "_link") }} as link
            on {{ mention_key("versions", true) }} = link.mention_key
            {%- else -%}
            link.mention_key
        from {{ source("linkage", kind ~ "_link") }} as link
            {%- endif %}
        where
            link.source_id = {{ source_id(contract_id, role) }}
            and link.{{ kind }}_id in (select changed_{{ kind }}.{{ kind }}_id from changed_{{ kind }})
        {%- endfor %}
        {{- " union" if not loop.last }}
        {%- endfor %};
        analyze {{ touched_records() }};
        delete from {{ this }} as held
        using {{ touched_records() }} as touched
        where held.contract_id = touched.contract_id and held.record_key = touched.record_key
    {% else %}
        select 1
    {% endif %}
{%- endmacro %}


{# Joins to whom a mention of a contract's roles means. #}
{% macro join_subjects(contract_id, roles, key) -%}
    {%- for kind, role in roles.items() %}
    left join {{ source("linkage", kind ~ "_mention") }} as {{ kind }}_mention
        on
            {{ key }} = {{ kind }}_mention.mention_key
            and {{ kind }}_mention.source_id = {{ source_id(contract_id, role) }}
    left join {{ source("linkage", kind ~ "_link") }} as {{ kind }}_link
        on
            {{ kind }}_mention.source_id = {{ kind }}_link.source_id
            and {{ kind }}_mention.mention_key = {{ kind }}_link.mention_key
    {%- endfor %}
{%- endmacro %}


{# Why nobody was found, after `join_subjects`; nothing where somebody was. #}
{% macro unresolved_reason(contract_id, roles, key) -%}
    case
        when {% for kind in roles %}{{ kind }}_link.{{ kind }}_id is not null
        {%- if not loop.last %} or {% endif %}{% endfor %} then null
        when
            exists (
                select 1
                from {{ source("linkage", "review") }} as review
                where
                    review.mention_key = {{ key }}
                    and review.source_id in (
                        {%- for kind, role in roles.items() %}
                        {{ source_id(contract_id, role) }}{{ "," if not loop.last }}
                        {%- endfor %}
                    )
            )
            then '可能是基础库中的某个主体，待核查'
        {%- if "person" in roles %}
        when person_mention.is_id_usable then '号码有效，人口基础库中没有'
        when person_mention.id_no is not null then '证件号码校验不符，不据以归并'
        {%- endif %}
        {%- if "entity" in roles %}
        when entity_mention.is_uscc_usable then '代码有效，法人基础库中没有'
        when
            coalesce(
                entity_mention.uscc,
                entity_mention.registration_no,
                entity_mention.organisation_code,
                entity_mention.tax_no
            ) is not null
            then '代码未能归并：校验不符或基础库中没有'
        {%- endif %}
        when coalesce(
            {%- for kind in roles %}{{ kind }}_mention.mention_key{{ ", " if not loop.last }}{% endfor -%}
        ) is not null then '没有号码或代码，只有名称'
        else '未写明主体类别'
    end
{%- endmacro %}


{# The records of a contract in force (those touched, where the model is computed incrementally) with whom they speak
   of, or why nobody was found. #}
{% macro subject_records(contract_id, roles, is_grouped=false) -%}
    {%- set key = mention_key("versions", is_grouped) -%}
    (
        select
            versions.*,
            {%- for kind in ("person", "entity") %}
            {{ (kind ~ "_link." ~ kind ~ "_id") if kind in roles else "null::uuid" }} as {{ kind }}_id,
            {%- endfor %}
            {{ unresolved_reason(contract_id, roles, key) }} as unresolved_reason
        from {{ source("raw", contract_id) }} as versions
        {%- if is_incremental() %}
        inner join {{ touched_records() }} as touched
            on versions._record_key = touched.record_key and touched.contract_id = '{{ contract_id }}'
        {%- endif %}
        {{- join_subjects(contract_id, roles, key) }}
        where versions._closed_batch_id is null
    )
{%- endmacro %}


{# The day after the last day of a period; nothing where that is 长期 (9999-12-31) or not stated. #}
{% macro day_after(column) -%}
    case when {{ column }} < date '9999-12-31' then {{ column }} + 1 end
{%- endmacro %}
