{# Up to which change an incremental model is computed; `column`: change_no or applied_seq. A scalar. #}
{% macro watermark(column) -%}
    coalesce(
        (
            select watermark.{{ column }}
            from {{ source("mart", "model_watermark") }} as watermark
            where watermark.model = '{{ this.schema }}.{{ this.identifier }}'
        ),
        0
    )
{%- endmacro %}


{# The persons or entities that changed since this model was computed; kind: person or entity. #}
{% macro changed_since(kind) -%}
    (
        select change.{{ kind }}_id
        from {{ source("linkage", kind ~ "_change") }} as change
        where change.change_no > {{ watermark("change_no") }}
    )
{%- endmacro %}


{# The persons or entities that a model computes again: a temporary table whose size the planner knows. #}
{% macro changed_ids(kind) -%}
    (select changed.{{ kind }}_id from changed_{{ this.identifier }} as changed)
{%- endmacro %}


{# Pre-hook of a model by person or entity: removes what is computed again; with_nobody: also what is linked to nobody. #}
{% macro remove_changed(kind, with_nobody=false) -%}
    {% if execute and load_relation(this) is not none and not flags.FULL_REFRESH %}
        create temporary table changed_{{ this.identifier }} on commit drop as
        select changed.{{ kind }}_id
        from {{ changed_since(kind) }} as changed;
        analyze changed_{{ this.identifier }};
        delete from {{ this }}
        where
            {{ kind }}_id in {{ changed_ids(kind) }}
            {{ "or " ~ kind ~ "_id is null" if with_nobody }}
    {% else %}
        select 1
    {% endif %}
{%- endmacro %}


{# Post-hook: the model is computed up to here. A delivery applied after linking is left for the next time. #}
{% macro remember_watermark() -%}
    insert into {{ source("mart", "model_watermark") }} (model, change_no, applied_seq)
    select
        '{{ this.schema }}.{{ this.identifier }}',
        greatest(
            (select max(change.change_no) from {{ source("linkage", "person_change") }} as change),
            (select max(change.change_no) from {{ source("linkage", "entity_change") }} as change),
            0
        ),
        coalesce((select min(state.known_at) from {{ source("linkage", "state") }} as state), 0)
    on conflict (model) do update
        set change_no = excluded.change_no, applied_seq = excluded.applied_seq
{%- endmacro %}


{# The date of the present that the base libraries state: the latest one that an applied delivery speaks for. #}
{% macro present_date() -%}
    (
        select max(batch.as_of)
        from {{ source("quality", "batch") }} as batch
        where batch.applied_seq is not null
    )
{%- endmacro %}
