{# Mentions in doubt of one library, one row per mention and candidate; attributes: of the mention that are shown.
   review_id names the review to `weihai review` by what anybody may see: source, delivery, row, candidate. #}
{% macro link_review(library, kind, attributes) -%}
    select
        {{ review_id() }} as review_id,
        sources.contract_id,
        sources.role,
        review.mention_key,
        review.candidate_id,
        review.reason,
        review.weight,
        mentions.batch_id,
        mentions.row_no,
        {%- for attribute in attributes %}
        mentions.{{ attribute }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ source("linkage", "review") }} as review
    inner join {{ source("linkage", "source") }} as sources on review.source_id = sources.source_id
    inner join {{ source("linkage", kind ~ "_mention") }} as mentions
        on review.source_id = mentions.source_id and review.mention_key = mentions.mention_key
    where review.library = '{{ library }}'
{%- endmacro %}


{# What both sides of a review state, one row per review and mention: the one in doubt, and all of the candidate's. #}
{% macro link_review_mentions(library, kind, attributes) -%}
    select
        {{ review_id() }} as review_id,
        stated.source_id = review.source_id
        and stated.mention_key = review.mention_key as is_in_doubt,
        sources.contract_id,
        sources.role,
        stated.batch_id,
        stated.row_no,
        {%- for attribute in attributes %}
        stated.{{ attribute }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ source("linkage", "review") }} as review
    inner join {{ source("linkage", kind ~ "_mention") }} as mentions
        on review.source_id = mentions.source_id and review.mention_key = mentions.mention_key
    cross join lateral (
        select
            review.source_id,
            review.mention_key
        union all
        select
            link.source_id,
            link.mention_key
        from {{ source("linkage", kind ~ "_link") }} as link
        where link.{{ kind }}_id = review.candidate_id
    ) as side
    inner join {{ source("linkage", kind ~ "_mention") }} as stated
        on side.source_id = stated.source_id and side.mention_key = stated.mention_key
    inner join {{ source("linkage", "source") }} as sources on stated.source_id = sources.source_id
    where review.library = '{{ library }}'
{%- endmacro %}


{# The same as linkage.reviewing reads. #}
{% macro review_id() -%}
    concat_ws(
        '-', review.source_id, mentions.batch_id, mentions.row_no, left(review.candidate_id::text, 8)
    )
{%- endmacro %}
