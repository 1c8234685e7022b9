-- one row per indicator and item of a checklist, judged by the evidence at the run's clocks
{{ config(materialized="view") }}

with

items as (
    select
        indicators.indicator_id,
        indicators.formula,
        item.value ->> 'name' as item_code,
        item.value ->> 'label' as item_label
    from {{ ref("indicators") }} as indicators
    cross join lateral jsonb_array_elements(indicators.operands) as item (value)
    where
        indicators.metric_class = 'checklist'
        and item.value ->> 'unit' = '项'
),

evidence as (
    select
        material.indicator_id,
        material.item_code,
        bool_or(material.exclusion is null) as is_met
    from {{ ref("int_evidence__judged") }} as material
    where material.is_issued
    group by material.indicator_id, material.item_code
),

-- the stricter wording implies the looser
implied as (
    select
        evidence.indicator_id,
        evidence.is_met,
        items.formula -> 'implications' ->> evidence.item_code as item_code
    from evidence
    inner join items
        on
            evidence.indicator_id = items.indicator_id
            and evidence.item_code = items.item_code
),

implications as (
    select
        implied.indicator_id,
        implied.item_code,
        bool_or(implied.is_met) as is_met
    from implied
    group by implied.indicator_id, implied.item_code
),

final as (
    select
        items.indicator_id,
        items.item_code,
        coalesce(evidence.is_met, false) or coalesce(implications.is_met, false) as is_met,
        case
            when not coalesce(evidence.is_met, true) and not coalesce(implications.is_met, false)
                then '“' || items.item_label || '”的佐证已失效或评定为不满足'
        end as reason
    from items
    left join evidence
        on items.indicator_id = evidence.indicator_id and items.item_code = evidence.item_code
    left join implications
        on
            items.indicator_id = implications.indicator_id
            and items.item_code = implications.item_code
)

select * from final
