-- one row per department: totals that can be compared with published statistics; those near enough
{{ config(materialized="view") }}

with

totals as (
    select
        compared.*,
        abs(compared.counted - compared.published) * 100
        <= compared.tolerance_pct * compared.published as is_near
    from {{ ref("int_total__compared") }} as compared
),

final as (
    select
        totals.department,
        count(*) filter (where totals.is_near) as passed,
        count(*) as checked,
        {{ examples(
            "concat(totals.title, totals.period, '：库内 ', trunc(totals.counted), totals.unit, '，公布 ', "
            ~ "trunc(totals.published), totals.unit, '，容许相差 ', totals.tolerance_pct, '%')",
            "not totals.is_near",
            "totals.total",
        ) }}
    from totals
    group by totals.department
)

select * from final
