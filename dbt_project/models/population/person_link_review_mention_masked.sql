-- one row per row of link_review_mention, masked
{{ config(materialized="view", alias="link_review_mention_masked") }}

{{ masked(ref("person_link_review_mention")) }}
