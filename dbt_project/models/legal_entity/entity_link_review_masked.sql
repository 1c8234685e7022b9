-- one row per row of link_review, masked
{{ config(materialized="view", alias="link_review_masked") }}

{{ masked(ref("entity_link_review")) }}
