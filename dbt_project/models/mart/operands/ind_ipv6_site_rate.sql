-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__main_website": "城市主要网站名单"} %}

with

ipv6_sites as (
    {{
        counted(
            "big_data_center__main_website",
            "site",
            ["site.domain"],
            {
                "不支持 IPv6": "site.supports_ipv6",
                "检测晚于评定日": has_begun("site.checked_on"),
            },
        )
    }}
)

-- 10 is fixed by the plan: 1 government portal, 3 news media, 6 other commercial sites
{{ fixed_operand_row("main_sites", 10) }}
union all
{{ count_row("ipv6_sites", "ipv6_sites", "ipv6_sites.domain", needs) }}
