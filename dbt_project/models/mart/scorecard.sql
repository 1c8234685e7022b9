-- one row per as-of date and indicator, of its latest published run
{{ config(materialized="view") }}

with

indicators as (
    select * from {{ ref("indicators") }}
),

indicator_values as (
    select * from {{ ref("indicator_value") }}
),

gaps as (
    select * from {{ ref("indicator_gap") }}
),

compared as (
    select
        indicator_values.*,
        lag(indicator_values.as_of) over past as previous_as_of,
        lag(indicator_values.value) over past as previous_value,
        lag(indicator_values.star) over past as previous_star
    from indicator_values
    window past as (partition by indicator_values.indicator_id order by indicator_values.as_of)
),

next_gaps as (
    select distinct on (gaps.as_of, gaps.indicator_id)
        gaps.as_of,
        gaps.indicator_id,
        gaps.star as next_star,
        gaps.gap
    from gaps
    where gaps.is_met is not true
    order by gaps.as_of asc, gaps.indicator_id asc, gaps.star asc
),

final as (
    select
        compared.as_of,
        compared.run_id,
        indicators.seq,
        indicators.indicator_id,
        indicators.table_no,
        indicators.table_name,
        indicators.name,
        compared.value,
        compared.value_text,
        indicators.unit,
        compared.star,
        case when compared.star < 5 then next_gaps.next_star end as next_star,
        case when compared.star < 5 then next_gaps.gap end as gap,
        indicators.lead_responsible,
        case
            when compared.value is null or compared.previous_value is null then null
            when compared.value = compared.previous_value then '持平'
            when
                (compared.value > compared.previous_value)
                = (indicators.direction = 'higher_better')
                then '向好'
            else '变差'
        end as trend,
        compared.previous_as_of,
        compared.previous_value,
        compared.previous_star,
        compared.period_used,
        compared.is_estimated,
        compared.reason
    from compared
    inner join indicators on compared.indicator_id = indicators.indicator_id
    left join next_gaps
        on
            compared.as_of = next_gaps.as_of
            and compared.indicator_id = next_gaps.indicator_id
)

select * from final
