-- one row: communities recognised as smart at provincial level or above, of all communities
{{ config(materialized="view") }}

{% set needs = {
    "civil_affairs__community": "社区名录",
    "big_data_center__smart_community": "智慧社区认定名单",
} %}

with

communities as (
    select distinct community.community_code
    from {{ in_force("civil_affairs__community") }} as community
    where
        community.kind = '社区居委会'
        and {{ in_use("community.status") }}
),

recognised as (
    select distinct smart.community_code
    from {{ in_force("big_data_center__smart_community") }} as smart
    where
        smart.level in ('省级', '国家级')
        and {{ in_use("smart.status") }}
        and {{ has_begun("smart.recognised_on") }}
)

{{
    target_row(
        "select count(*) from communities"
            ~ " inner join recognised on communities.community_code = recognised.community_code",
        "select count(*) from communities",
        needs,
        reason="select case when count(*) = 0 then '没有在用的社区' end from communities",
    )
}}
