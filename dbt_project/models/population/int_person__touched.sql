-- one row per person to compute again; none where everything is
{{ config(materialized="table", unlogged=true, post_hook="analyze {{ this }}") }}

{{ select_touched("person") }}
