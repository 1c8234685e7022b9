-- one row per run, contradiction in the plan (16) and reading of it
{{
    config(
        materialized="incremental",
        incremental_strategy="delete+insert",
        unique_key="run_id",
        full_refresh=false,
        indexes=[{"columns": ["run_id", "contradiction_id", "reading_no"], "unique": true}],
    )
}}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

readings as (
    select * from {{ ref("plan_contradiction_readings") }}
),

targets as (
    select judged.*
    from {{ ref("plan_target_run") }} as judged
    inner join run on judged.run_id = run.run_id
),

graded as (
    select
        measured.*,
        indicators.name
    from {{ ref("indicator_value_run") }} as measured
    inner join run on measured.run_id = run.run_id
    inner join {{ ref("indicators") }} as indicators
        on measured.indicator_id = indicators.indicator_id
),

parts as (
    select
        readings.contradiction_id,
        readings.reading_no,
        coalesce(readings.due_on, targets.due_on) as due_on,
        targets.metric
        || ' '
        || coalesce(
            trim_scale(round(targets.value, 2)) || replace(targets.value_unit, '-', ''),
            targets.reported_state,
            '—'
        ) as actual,
        {{
            plan_status(
                "targets.is_met",
                "targets.is_expected_met",
                "targets.reached_share",
                "targets.reported_state",
                "targets.start_on",
                "coalesce(readings.due_on, targets.due_on)",
            )
        }} as status
    from readings
    inner join targets on targets.target_id = any(string_to_array(readings.target_ids, '|'))
    union all
    select
        readings.contradiction_id,
        readings.reading_no,
        readings.due_on,
        graded.name || ' ' || coalesce(graded.value_text, '—') as actual,
        {{
            plan_status(
                "graded.four_star_met",
                "null::boolean",
                "null::numeric",
                "null::text",
                plan_start(),
                "readings.due_on",
            )
        }} as status
    from readings
    inner join graded on graded.indicator_id = any(string_to_array(readings.indicator_ids, '|'))
),

combined as (
    select
        parts.contradiction_id,
        parts.reading_no,
        max(parts.due_on) as due_on,
        string_agg(parts.actual, '；' order by parts.due_on, parts.actual) as actual,
        case
            when bool_or(parts.status = 'behind') then 'behind'
            when bool_or(parts.status = 'no_data') then 'no_data'
            when bool_or(parts.status = 'on_course') then 'on_course'
            else 'met'
        end as status
    from parts
    group by parts.contradiction_id, parts.reading_no
),

final as (
    select
        run.run_id,
        readings.contradiction_id,
        readings.reading_no,
        readings.place,
        readings.reading,
        readings.responsible,
        readings.is_default,
        combined.due_on,
        combined.actual,
        combined.status,
        case
            when combined.contradiction_id is null then '只涉及责任单位的写法，没有可判定的数值'
        end as reason
    from readings
    cross join run
    left join combined
        on
            readings.contradiction_id = combined.contradiction_id
            and readings.reading_no = combined.reading_no
)

select * from final
