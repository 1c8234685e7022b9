-- one row per review and mention: the one in doubt, and each of the person that may be meant
{{ config(materialized="view", alias="link_review_mention") }}
{%- set attributes = [
    "id_no", "name", "former_name", "sex", "birth_date", "division", "address", "phone",
    "household_no",
] %}

{{ link_review_mentions("population", "person", attributes) }}
