{# The record versions of a contract that are in force for the run: stated by its as-of date and known to it,
   and not closed by then (two clocks). #}
{% macro in_force(contract_id) -%}
    (
        select versions.*
        from {{ source('raw', contract_id) }} as versions
        cross join {{ source('mart', 'current_run') }} as clock
        where
            versions._as_of <= clock.as_of
            and versions._applied_seq <= clock.known_at
            and not exists (
                select 1
                from {{ source('quality', 'version_closing') }} as closing
                where
                    closing.table_name = '{{ contract_id }}'
                    and closing.record_key = versions._record_key
                    and closing.version_batch_id = versions._batch_id
                    and closing.as_of <= clock.as_of
                    and closing.applied_seq <= clock.known_at
            )
    )
{%- endmacro %}


{# The record versions of a contract that count; clocks: `run` (in force for the run) or `present` (all that is known). #}
{% macro records(contract_id, clocks) -%}
    {%- if clocks == "run" -%}
    {{ in_force(contract_id) }}
    {%- elif clocks == "present" -%}
    (
        select versions.*
        from {{ source('raw', contract_id) }} as versions
        where versions._closed_batch_id is null
    )
    {%- else -%}
    {{ exceptions.raise_compiler_error("clocks are run or present, not " ~ clocks) }}
    {%- endif -%}
{%- endmacro %}


{# Whether every one of the contracts was delivered for the run's date, as far as the run knows; a scalar. #}
{% macro delivered(contract_ids) -%}
    (
        {%- for contract_id in contract_ids %}
        {% if not loop.first %}and {% endif %}exists (
            select 1
            from {{ source('quality', 'batch') }} as batch
            cross join {{ source('mart', 'current_run') }} as clock
            where
                batch.department = '{{ contract_id.split("__")[0] }}'
                and batch.extract = '{{ contract_id.split("__")[1] }}'
                and batch.as_of <= clock.as_of
                and batch.applied_seq <= clock.known_at
        )
        {%- endfor %}
    )
{%- endmacro %}


{# The same extract of several departments, each row with the contract it came by. #}
{% macro in_force_of_each(contract_ids, columns, clocks="run") -%}
    (
        {%- for contract_id in contract_ids %}
        {% if not loop.first %}union all
        {% endif %}select
            '{{ contract_id }}' as contract_id
            {%- for column in columns %},
            delivered.{{ column }}
            {%- endfor %}
        from {{ records(contract_id, clocks) }} as delivered
        {%- endfor %}
    )
{%- endmacro %}


{# The sentence that stands where an extract is missing. #}
{% macro not_delivered(titles) -%}
    '尚未报送：{{ titles | join("、") }}'
{%- endmacro %}


{# The run's as-of date; a scalar. #}
{% macro as_of() -%}
    (select clock.as_of from {{ source('mart', 'current_run') }} as clock)
{%- endmacro %}


{# Whether a record that begins on a date counts: it has begun, or says nothing. #}
{% macro has_begun(column) -%}
    coalesce({{ column }} <= {{ as_of() }}, true)
{%- endmacro %}


{# Whether a record that ends on a date counts no more: it ended on the as-of date or before. #}
{% macro has_ended(column) -%}
    coalesce({{ column }} <= {{ as_of() }}, false)
{%- endmacro %}


{# The day in Weihai of a moment. #}
{% macro local_day(column) -%}
    ({{ column }} at time zone 'Asia/Shanghai')::date
{%- endmacro %}


{# Whether a day lies in the months to the as-of date: after the same day so many months earlier, up to and with it. #}
{% macro in_months_to_date(day, months) -%}
    ({{ day }} > ({{ as_of() }} - interval '{{ months }} months')::date and {{ day }} <= {{ as_of() }})
{%- endmacro %}


{# That period as period_used shows it (ISO 8601 interval of days); a scalar. #}
{% macro months_to_date_period(months) -%}
    (
        ({{ as_of() }} - interval '{{ months }} months')::date + 1 || '/' || {{ as_of() }}
    )
{%- endmacro %}


{# Whether a day lies in the as-of date's calendar year, up to and with that date. #}
{% macro in_year_to_date(day) -%}
    ({{ day }} >= date_trunc('year', {{ as_of() }})::date and {{ day }} <= {{ as_of() }})
{%- endmacro %}


{# That period as period_used shows it (ISO 8601 interval of days); a scalar. #}
{% macro year_to_date_period() -%}
    (date_trunc('year', {{ as_of() }})::date || '/' || {{ as_of() }})
{%- endmacro %}


{# Whether a day lies in the period that the plan does not name (parameter assessment_period). #}
{% macro in_assessment_period(day) -%}
    case {{ parameter("assessment_period") }}
        when 'year_to_date' then {{ in_year_to_date(day) }}
        else {{ in_months_to_date(day, 12) }}
    end
{%- endmacro %}


{# That period as period_used shows it; a scalar. #}
{% macro assessment_period() -%}
    case {{ parameter("assessment_period") }}
        when 'year_to_date' then {{ year_to_date_period() }}
        else {{ months_to_date_period(12) }}
    end
{%- endmacro %}


{# Whether a status word means "in use"; an empty status does. #}
{% macro in_use(column) -%}
    coalesce({{ column }}, '在用') in (
        select status_words.word
        from {{ ref('status_words') }} as status_words
        where status_words.is_in_use
    )
{%- endmacro %}


{# The run's value of a parameter (seeds/parameters.csv), its default where the run names none; a scalar. #}
{% macro parameter(name) -%}
    (
        select coalesce(clock.parameters ->> parameters.name, parameters.default_value)
        from {{ ref('parameters') }} as parameters
        cross join {{ source('mart', 'current_run') }} as clock
        where parameters.name = '{{ name }}'
    )
{%- endmacro %}


{# Whether the run states the present: no accepted delivery is for a later date, and no run knew more.
   Only such a run rewrites the base libraries; others write mart rows. #}
{% macro is_present_run() -%}
    exists (
        select 1
        from {{ source('mart', 'current_run') }} as clock
        where
            clock.as_of >= (
                select max(batch.as_of)
                from {{ source('quality', 'batch') }} as batch
                where batch.applied_seq is not null
            )
            and clock.known_at >= (
                select max(other.known_at)
                from {{ source('mart', 'run') }} as other
                where other.state <> 'broken'
            )
    )
{%- endmacro %}


{# Pre-hook of a table that holds the present state: removes what the present run no longer states or states
   differently (by key and _row_hash), all of it on a full refresh. #}
{% macro remove_outdated(stated, key) -%}
    {% if execute and load_relation(this) is not none %}
        delete from {{ this }} as held
        where
            {{ is_present_run() }}
            {% if not flags.FULL_REFRESH %}
            and not exists (
                select 1
                from {{ stated }} as stated
                where stated.{{ key }} = held.{{ key }} and stated._row_hash = held._row_hash
            )
            {% endif %}
    {% else %}
        select 1
    {% endif %}
{%- endmacro %}


{# The rows of a relation that a table of the present state does not hold yet. #}
{% macro select_missing(stated, key) -%}
    select stated.*
    from {{ stated }} as stated
    where
        {{ is_present_run() }}
        {% if is_incremental() -%}
        and not exists (
            select 1
            from {{ this }} as held
            where held.{{ key }} = stated.{{ key }}
        )
        {%- endif %}
{%- endmacro %}
