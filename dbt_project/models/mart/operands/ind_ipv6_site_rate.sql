-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__main_website": "城市主要网站名单"} %}

with

ipv6_sites as (
    select distinct site.domain
    from {{ in_force("big_data_center__main_website") }} as site
    cross join {{ source("mart", "current_run") }} as run
    where
        site.supports_ipv6
        and coalesce(site.checked_on <= run.as_of, true)
)

-- 10 is fixed by the plan: 1 government portal, 3 news media, 6 other commercial sites
{{ fixed_operand_row("main_sites", 10) }}
union all
{{ operand_row("ipv6_sites", "select count(*) from ipv6_sites", needs) }}
