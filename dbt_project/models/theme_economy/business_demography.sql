-- one row per month, district, industry section and kind of legal entity
{{ config(materialized="table") }}

with

entities as (
    select
        entity.established_on,
        entity.cancelled_on,
        coalesce({{ district_code("entity.division_code") }}, '未知') as district_code,
        coalesce({{ industry_section("entity.industry_code") }}, '未知') as section_code,
        coalesce(entity.entity_kind, '未知') as entity_kind
    from {{ ref("entity") }} as entity
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(entity.division_code, 6) = roll_up.division_code
),

events as (
    select
        to_char(entities.established_on, 'YYYYMM') as period,
        entities.district_code,
        entities.section_code,
        entities.entity_kind,
        1 as founded,
        0 as closed
    from entities
    where entities.established_on is not null
    union all
    select
        to_char(entities.cancelled_on, 'YYYYMM') as period,
        entities.district_code,
        entities.section_code,
        entities.entity_kind,
        0 as founded,
        1 as closed
    from entities
    where entities.cancelled_on is not null
),

final as (
    select
        events.period,
        events.district_code,
        events.section_code,
        sections.section_name,
        events.entity_kind,
        sum(events.founded) as founded_count,
        sum(events.closed) as closed_count
    from events
    left join {{ ref("industry_sections") }} as sections
        on events.section_code = sections.section_code
    group by
        events.period,
        events.district_code,
        events.section_code,
        sections.section_name,
        events.entity_kind
)

select * from final
