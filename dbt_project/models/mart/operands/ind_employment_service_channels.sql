-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"human_resources__employment_channel": "就业服务渠道登记"} %}

with

channels as (
    select distinct channel.channel_kind
    from {{ in_force("human_resources__employment_channel") }} as channel
    where
        {{ in_use("channel.status") }}
        and {{ has_begun("channel.online_on") }}
        and (channel.channel_kind <> '其他' or {{ parameter("other_channel_kind_counts") }} = 'yes')
)

{{ operand_row("channel_count", "select count(channels.channel_kind) from channels", needs) }}
