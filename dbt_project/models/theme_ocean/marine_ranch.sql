-- one row per marine ranch, its operator resolved
{{ config(materialized="table") }}

with

ranches as (
    select distinct on (ranch.ranch_code) ranch.*
    from {{ records("ocean_development__marine_ranch", "present") }} as ranch
    order by ranch.ranch_code asc, ranch._applied_seq desc, ranch._row_no desc
),

-- a code that two entities bear leads to neither
operators as (
    select
        entity.uscc,
        (array_agg(entity.entity_id))[1] as entity_id,
        count(*) as entity_count
    from {{ ref("entity") }} as entity
    where entity.uscc in (select ranches.operator_uscc from ranches)
    group by entity.uscc
),

final as (
    select
        ranches.ranch_code,
        ranches.name,
        ranches.division_code,
        {{ district_code("ranches.division_code") }} as district_code,
        case when operators.entity_count = 1 then operators.entity_id end as operator_entity_id,
        case
            when operators.entity_count = 1 then null
            when ranches.operator_uscc is null then '没有报送建设单位'
            when operators.entity_count > 1 then '代码对应法人基础库中的多个主体'
            else '代码在法人基础库中查无主体'
        end as unresolved_reason,
        ranches.area_ha,
        ranches.level as recognition_level,
        ranches.is_smart,
        ranches.built_on,
        ranches._batch_id as source_batch_id,
        ranches._row_no as source_row_no
    from ranches
    left join operators on ranches.operator_uscc = operators.uscc
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(ranches.division_code, 6) = roll_up.division_code
)

select * from final
