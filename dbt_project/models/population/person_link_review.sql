-- one row per mention in doubt and person that may be meant
{{ config(materialized="view", alias="link_review") }}

{{ link_review("population", "person", ["name", "id_no", "birth_date"]) }}
