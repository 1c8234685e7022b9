-- one row per month of payment, district, industry section and tax
{{ config(materialized="table") }}

with

taxpayers as (
    select distinct on (taxpayer.tax_no)
        taxpayer.tax_no,
        {{ district_code("taxpayer.division_code") }} as district_code,
        {{ industry_section("taxpayer.industry_code") }} as section_code
    from {{ records("taxation__taxpayer", "present") }} as taxpayer
    left join {{ ref("division_roll_ups") }} as roll_up
        on left(taxpayer.division_code, 6) = roll_up.division_code
    order by taxpayer.tax_no asc, taxpayer._applied_seq desc, taxpayer._row_no desc
),

collected as (
    select
        to_char(voucher.paid_on, 'YYYYMM') as period,
        coalesce(taxpayers.district_code, '未知') as district_code,
        coalesce(taxpayers.section_code, '未知') as section_code,
        coalesce(voucher.tax_type, '未知') as tax_type,
        count(distinct voucher.tax_no) as taxpayer_count,
        sum(voucher.amount_cny) as amount_cny
    from {{ records("taxation__tax_revenue", "present") }} as voucher
    left join taxpayers on voucher.tax_no = taxpayers.tax_no
    where voucher.paid_on is not null
    group by
        to_char(voucher.paid_on, 'YYYYMM'),
        coalesce(taxpayers.district_code, '未知'),
        coalesce(taxpayers.section_code, '未知'),
        coalesce(voucher.tax_type, '未知')
),

final as (
    select
        collected.period,
        collected.district_code,
        collected.section_code,
        sections.section_name,
        collected.tax_type,
        collected.taxpayer_count,
        collected.taxpayer_count < {{ var("minimum_taxpayers") }} as is_suppressed,
        case
            when collected.taxpayer_count >= {{ var("minimum_taxpayers") }}
                then collected.amount_cny
        end as amount_cny
    from collected
    left join {{ ref("industry_sections") }} as sections
        on collected.section_code = sections.section_code
)

select * from final
