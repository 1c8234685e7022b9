-- one row per operand
{{ config(materialized="view") }}

{% set list = {"civil_affairs__community": "社区名录"} %}
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
        {{ in_use("smart.status") }}
        and {{ has_begun("smart.recognised_on") }}
)

{{
    operand_row(
        "smart_communities",
        "select count(*) from communities"
            ~ " inner join recognised on communities.community_code = recognised.community_code",
        needs,
    )
}}
union all
{{ operand_row("communities", "select count(*) from communities", list) }}
