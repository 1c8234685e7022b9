-- one row per entity to compute again; none where everything is
{{ config(materialized="table", unlogged=true, post_hook="analyze {{ this }}") }}

{{ select_touched("entity") }}
