-- one row per household (standard address) with broadband of any operator, at the run's clocks
{{ config(materialized="view") }}

{% set contract_ids = needs_of_each("broadband_user", "", operators()) %}
{% set columns = [
    "customer_kind", "address_code", "access_kind", "speed_mbps", "opened_on", "status"
] %}

with

subscriptions as (
    select * from {{ in_force_of_each(contract_ids, columns) }} as delivered
),

final as (
    select
        subscriptions.address_code,
        bool_or(coalesce(subscriptions.access_kind = '光纤', false)) as has_fiber,
        max(subscriptions.speed_mbps) as fastest_mbps
    from subscriptions
    where
        subscriptions.customer_kind = '居民'
        and subscriptions.address_code is not null
        and {{ in_use("subscriptions.status") }}
        and {{ has_begun("subscriptions.opened_on") }}
    group by subscriptions.address_code
)

select * from final
