-- one row: how far this build of the library goes, and whether it computes everything
{{ config(materialized="table", unlogged=true) }}

{{ select_build("person", ["person_history", "person_identifier"]) }}
