-- one row per row of link_review_mention, masked
{{ config(materialized="view", alias="link_review_mention_masked") }}

{{ masked(ref("entity_link_review_mention")) }}
