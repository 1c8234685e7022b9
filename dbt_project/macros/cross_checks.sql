{# What the checks across extracts have in common. #}
{# A of B of decisions whose publication can be timed: those published within 7 working days (双公示). #}
{% macro published_in_time(model) -%}
select
    count(*) filter (where not decision.is_published_late) as passed,
    count(decision.is_published_late) as checked
from {{ ref(model) }} as decision
{%- endmacro %}


{# The first five of what failed, as a sentence names them; an aggregate. what: a text without personal data. #}
{% macro examples(what, failed, by) -%}
    array_to_string(
        (array_agg({{ what }} order by {{ by }}) filter (where {{ failed }}))[1:5], '；'
    ) as examples
{%- endmacro %}
