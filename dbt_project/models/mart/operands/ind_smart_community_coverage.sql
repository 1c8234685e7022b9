-- one row per operand
{{ config(materialized="view") }}

{% set list = {"civil_affairs__community": "社区名录"} %}
{% set needs = {
    "civil_affairs__community": "社区名录",
    "big_data_center__smart_community": "智慧社区认定名单",
} %}

with

communities as (
    {{
        counted(
            "civil_affairs__community",
            "community",
            ["community.community_code"],
            {
                "不是社区居委会": "community.kind = '社区居委会'",
                "不在用": in_use("community.status"),
            },
        )
    }}
),

recognised as (
    {{
        counted(
            "big_data_center__smart_community",
            "smart",
            ["smart.community_code"],
            {
                "不在用": in_use("smart.status"),
                "评定日尚未认定": has_begun("smart.recognised_on"),
            },
        )
    }}
)

{{
    count_row(
        "smart_communities",
        "recognised",
        "recognised.community_code",
        needs,
        only={
            "不是名录中在用的社区居委会": "recognised.community_code in"
            ~ " (select communities.community_code from " ~ those_of("communities") ~ ")",
        },
    )
}}
union all
{{ count_row("communities", "communities", "communities.community_code", list) }}
