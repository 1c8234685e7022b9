-- one row per as-of date and contradiction in the plan, its readings side by side
{{ config(materialized="view") }}

with

latest_runs as (
    select * from {{ source("mart", "latest_run") }}
),

contradictions as (
    select * from {{ ref("plan_contradictions") }}
),

readings as (
    select * from {{ ref("plan_contradiction_reading_run") }}
),

final as (
    select
        latest_runs.as_of,
        readings.run_id,
        contradictions.contradiction_id,
        contradictions.seq,
        contradictions.contradiction,
        contradictions.kind,
        contradictions.default_resolution,
        {%- for no, name in [(1, "first"), (2, "second"), (3, "third")] %}
        {%- for column in ["place", "reading", "responsible", "due_on", "actual", "status"] %}
        max(readings.{{ column }}) filter (where readings.reading_no = {{ no }})
            as {{ name }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        count(distinct readings.status) > 1 as is_decisive,
        max(readings.reason) as reason
    from readings
    inner join latest_runs on readings.run_id = latest_runs.run_id
    inner join contradictions on readings.contradiction_id = contradictions.contradiction_id
    group by
        latest_runs.as_of,
        readings.run_id,
        contradictions.contradiction_id,
        contradictions.seq,
        contradictions.contradiction,
        contradictions.kind,
        contradictions.default_resolution
)

select * from final
