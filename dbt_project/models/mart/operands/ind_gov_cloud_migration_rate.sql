-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__information_system": "政务信息系统清单"} %}

with

systems as (
    select
        system.system_code,
        bool_or(coalesce(system.is_on_cloud, false)) as is_on_cloud
    from {{ in_force("big_data_center__information_system") }} as system
    where
        {{ in_use("system.status") }}
        and system.is_classified is not true
    group by system.system_code
)

{{ operand_row("gov_systems", "select count(*) from systems", needs) }}
union all
{{ operand_row("cloud_systems", "select count(*) from systems where systems.is_on_cloud", needs) }}
