-- one row per mention in doubt and entity that may be meant
{{ config(materialized="view", alias="link_review") }}

{{ link_review("legal_entity", "entity", ["name", "uscc", "legal_representative"]) }}
