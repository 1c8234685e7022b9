-- one row: permits whose publication can be timed; those published in 7 working days
{{ config(materialized="view") }}

{{ published_in_time("administrative_permit") }}
