-- one row per upheld objection, and delivery that mended what it says or brought it back
{{ config(materialized="view") }}

with

objections as (
    select * from {{ source("quality", "objection_raised") }}
),

decisions as (
    select * from {{ source("quality", "objection_decision") }}
    where decision = 'upheld'
),

observations as (
    select * from {{ source("quality", "objection_observation") }}
),

told as (
    select
        decisions.objection_id,
        0 as told_no,
        decisions.decided_at as told_at,
        null::bigint as batch_id,
        true as is_failing
    from decisions
    union all
    select
        observations.objection_id,
        observations.observation_id as told_no,
        observations.observed_at as told_at,
        observations.batch_id,
        not observations.is_mended as is_failing
    from observations
),

final as (
    select
        objections.department,
        split_part(objections.contract_id, '__', 2) as extract,
        'objection' as rule,
        objections.objection_id::text as subject,
        objections.column_name,
        '0301' as dimension,
        'warning' as severity,
        concat(
            '异议 ', objections.objection_id, ' 成立：批次 ', objections.batch_id, ' 第 ',
            objections.row_no, ' 行', '的' || item.header, '与实际不符，请核实更正后重报'
        ) as message,
        1 as checked,
        (not told.is_failing)::integer as passed,
        told.is_failing,
        told.told_no,
        told.told_at,
        told.batch_id,
        null as run_id,
        objections.objection_id
    from told
    inner join objections on told.objection_id = objections.objection_id
    left join {{ source("catalogue", "contract_item") }} as item
        on
            objections.contract_id = item.contract_id
            and objections.column_name = item.item_name
)

select * from final
