{# Status words with which a decision or licence is at an end, or suspended, whatever dates say; quoted, for `in (…)`. #}
{% macro ended_states(kind) -%}
    {%- set words = {
        "permit": ["撤销", "撤回", "注销", "吊销", "过期"],
        "penalty": ["撤销", "已修复", "公示期满"],
        "licence": ["暂扣", "注销", "撤销", "吊销", "废止"],
    } -%}
    '{{ words[kind] | join("', '") }}'
{%- endmacro %}
