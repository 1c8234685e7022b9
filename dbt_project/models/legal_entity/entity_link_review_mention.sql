-- one row per review and mention: the one in doubt, and each of the entity that may be meant
{{ config(materialized="view", alias="link_review_mention") }}
{%- set attributes = [
    "uscc", "registration_no", "organisation_code", "tax_no", "name", "other_names",
    "legal_representative", "division", "address", "established_on",
] %}

{{ link_review_mentions("legal_entity", "entity", attributes) }}
