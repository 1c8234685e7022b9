-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"human_resources__employment_channel": "就业服务渠道登记"} %}

with

channels as (
    {{
        counted(
            "human_resources__employment_channel",
            "channel",
            ["channel.channel_kind"],
            {
                "不畅通": in_use("channel.status"),
                "评定日尚未开通": has_begun("channel.online_on"),
                "没有渠道类型": "channel.channel_kind is not null",
                "按现用口径不计其他渠道": "channel.channel_kind <> '其他' or "
                ~ parameter("other_channel_kind_counts") ~ " = 'yes'",
            },
        )
    }}
)

{{ count_row("channel_count", "channels", "channels.channel_kind", needs) }}
