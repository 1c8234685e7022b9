{# Targets of the plan (seeds/plan_targets.csv): their periods, their status, and what several models measure alike.
   A model target_<id> gives one row: numerator, denominator (null for a count), expected (by the plan's own dates,
   where they say), reason. #}

{# First day of the plan, 三年行动计划（2020—2022年）. #}
{% macro plan_start() -%} date '2020-01-01' {%- endmacro %}


{# First and last day of the recurring period that the as-of date lies in; periods are counted from the plan's first year. #}
{% macro recurrence_start(years) -%}
    case {{ parameter("plan_recurrence") }}
        when 'rolling' then ({{ as_of() }} - interval '{{ years }} years')::date + 1
        else {{ recurrence_block(years) }}
    end
{%- endmacro %}


{% macro recurrence_end(years) -%}
    case {{ parameter("plan_recurrence") }}
        when 'rolling' then {{ as_of() }}
        else ({{ recurrence_block(years) }} + interval '{{ years }} years')::date - 1
    end
{%- endmacro %}


{% macro recurrence_block(years) -%}
    make_date(
        2020
        + floor((extract(year from {{ as_of() }}) - 2020) / {{ years }})::integer * {{ years }},
        1,
        1
    )
{%- endmacro %}


{# met, on_course, behind or no_data; is_met, expected_met, reached_share and state may be null.
   expected_met: whether what the plan's own dates expect by the as-of date is reached.
   reached_share: of the target; state: a word of plan_state. #}
{% macro plan_status(is_met, expected_met, reached_share, state, start_on, due_on) -%}
    case
        when {{ is_met }} then 'met'
        when {{ is_met }} is null then 'no_data'
        when {{ as_of() }} >= {{ due_on }} then 'behind'
        when {{ parameter("plan_course") }} = 'until_due' then 'on_course'
        when {{ expected_met }} is not null
            then case when {{ expected_met }} then 'on_course' else 'behind' end
        when {{ reached_share }} is not null
            then case
                when
                    {{ reached_share }} * ({{ due_on }} - {{ start_on }} + 1)
                    >= {{ as_of() }} - {{ start_on }} + 1
                    then 'on_course'
                else 'behind'
            end
        when {{ state }} = '未启动' and {{ as_of() }} >= date_trunc('year', {{ due_on }})
            then 'behind'
        else 'on_course'
    end
{%- endmacro %}


{# The row of a target model: needs is {contract id: Chinese title}; numerator, denominator: scalar expressions. #}
{% macro target_row(numerator, denominator, needs, reason='null', expected='null') -%}
    select
        case when {{ delivered(needs.keys() | list) }} then ({{ numerator }})::numeric end
            as numerator,
        case when {{ delivered(needs.keys() | list) }} then ({{ denominator }})::numeric end
            as denominator,
        case when {{ delivered(needs.keys() | list) }} then ({{ expected }})::numeric end
            as expected,
        case
            when {{ delivered(needs.keys() | list) }} then ({{ reason }})::text
            else {{ not_delivered(needs.values() | list) }}
        end as reason
{%- endmacro %}


{# A target that is an indicator's metric: the exact fraction that the run's stars rest on. #}
{% macro indicator_metric(indicator_id, metric='rate') -%}
    select
        (graded.metric -> '{{ metric }}' ->> 'num')::numeric as numerator,
        (graded.metric -> '{{ metric }}' ->> 'den')::numeric as denominator,
        null::numeric as expected,
        coalesce(graded.metric -> '{{ metric }}' ->> 'reason', graded.reason) as reason
    from {{ ref("indicator_value_run") }} as graded
    inner join {{ source("mart", "current_run") }} as clock on graded.run_id = clock.run_id
    where graded.indicator_id = '{{ indicator_id }}'
{%- endmacro %}


{# 掌上查、掌上办: items of government and public services in use that can be handled on a phone. #}
{% macro mobile_items() -%}
    {%- set needs = {"administrative_approval__service_item": "政务服务事项清单"} -%}
    with

    items as (
        select distinct item.item_code
        from {{ in_force("administrative_approval__service_item") }} as item
        where
            {{ in_use("item.status") }}
            and {{ has_begun("item.effective_on") }}
            and item.is_mobile
    )

    {{ target_row("select count(*) from items", "null", needs) }}
{%- endmacro %}


{# 一网通办: municipal items on application that are handled online from end to end, of all of them. #}
{% macro online_items() -%}
    {%- set needs = {"administrative_approval__service_item": "政务服务事项清单"} -%}
    with

    items as (
        select
            item.item_code,
            bool_or(coalesce(item.is_online, false)) as is_online
        from {{ in_force("administrative_approval__service_item") }} as item
        where
            {{ in_use("item.status") }}
            and {{ has_begun("item.effective_on") }}
            and item.level = '市级'
            and item.is_on_application
        group by item.item_code
    )

    {{
        target_row(
            "select count(*) from items where items.is_online",
            "select count(*) from items",
            needs,
            reason="select case when count(*) = 0 then '没有市级依申请类事项' end from items",
        )
    }}
{%- endmacro %}


{# 测评: systems in use that are not classified, assessed in the recurring period, of all of them; with each counted once
   at most, the mean is 1 only where every system was assessed. #}
{% macro assessed_systems(years, mlps_level=none) -%}
    {%- set needs = {"big_data_center__information_system": "政务信息系统清单"} -%}
    with

    systems as (
        select
            system.system_code,
            coalesce(
                bool_or(
                    system.last_assessed_on
                    between {{ recurrence_start(years) }} and {{ as_of() }}
                ),
                false
            ) as is_assessed
        from {{ in_force("big_data_center__information_system") }} as system
        where
            {{ in_use("system.status") }}
            and system.is_classified is not true
            {% if mlps_level is not none -%}
            and system.mlps_level = '{{ mlps_level }}'
            {%- endif %}
        group by system.system_code
    )

    {{
        target_row(
            "select count(*) from systems where systems.is_assessed",
            "select count(*) from systems",
            needs,
            reason="select case when count(*) = 0 then '没有应测评的系统' end from systems",
        )
    }}
{%- endmacro %}


{# 1313: groups of projects of a category whose every project is complete; expected: those whose every milestone is due. #}
{% macro completed_groups(category) -%}
    {%- set needs = {"big_data_center__project_progress": "重点项目进展"} -%}
    with

    progress as (
        select
            project.group_no,
            project.status,
            project.last_due_on
        from {{ ref("int_project__judged") }} as project
        where project.category = '{{ category }}'
    ),

    project_groups as (
        select
            progress.group_no,
            bool_and(progress.status = 'met') as is_complete,
            bool_and(coalesce(progress.last_due_on <= {{ as_of() }}, false)) as is_due
        from progress
        group by progress.group_no
    )

    {{
        target_row(
            "select count(*) from project_groups where project_groups.is_complete",
            "null",
            needs,
            expected="select count(*) from project_groups where project_groups.is_due",
        )
    }}
{%- endmacro %}
