-- one row per operand
{{ config(materialized="view") }}

{% set needs = {
    "industry_it__cloud_enterprise": "企业上云登记",
    "market_regulation__enterprise": "市场主体登记信息",
} %}
{% set resolved_as = "resolved.uscc is not distinct from clouds.uscc"
    ~ " and resolved.name is not distinct from clouds.name" %}

with

run as (
    select * from {{ source("mart", "current_run") }}
),

clouds as (
    {{
        counted(
            "industry_it__cloud_enterprise",
            "cloud",
            ["cloud.uscc", "cloud.name"],
            {
                "不在用": in_use("cloud.status"),
                "评定日尚未上云": has_begun("cloud.migrated_on"),
            },
        )
    }}
),

cloud_records as (
    select distinct
        clouds.uscc,
        clouds.name
    from clouds
),

entities as (
    select
        entity.entity_id,
        entity.uscc,
        entity.name,
        {{ in_use("entity.status") }}
        and coalesce(entity.established_on <= run.as_of, true)
        and not coalesce(entity.cancelled_on <= run.as_of, false)
        and coalesce(entity.division_code like '3710%', false) as is_counted
    from {{ as_of_run(ref("entity_history")) }} as entity
    cross join run
),

-- a code that two entities bear leads to the one of the same name
resolved as (
    select distinct on (cloud_records.uscc, cloud_records.name)
        cloud_records.uscc,
        cloud_records.name,
        entities.entity_id,
        entities.is_counted
    from cloud_records
    left join entities on cloud_records.uscc = entities.uscc
    order by
        cloud_records.uscc asc,
        cloud_records.name asc,
        (cloud_records.name = entities.name) desc nulls last,
        entities.is_counted desc nulls last,
        entities.entity_id asc
),

counts as (
    select
        count(distinct resolved.entity_id) filter (where resolved.is_counted) as entity_count,
        count(distinct resolved.uscc) filter (where resolved.entity_id is null) as unresolved_count
    from resolved
)

{{
    operand_row(
        "count",
        "select counts.entity_count from counts",
        needs,
        note="select case when counts.unresolved_count > 0 then '另有 ' || counts.unresolved_count
            || ' 个信用代码在法人库中查无主体，未计入' end from counts",
        rows="clouds",
        only={
            "信用代码在法人库中查无主体": "exists (select 1 from resolved where resolved.entity_id"
                ~ " is not null and " ~ resolved_as ~ ")",
            "主体不在用，或不在本市": "exists (select 1 from resolved where resolved.is_counted and "
                ~ resolved_as ~ ")",
        },
    )
}}
