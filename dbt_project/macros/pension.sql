{# The records of a contract in force with their holder: the person linked to, else the mention itself. clocks: as in
   person_records. #}
{% macro holder_records(contract_id, clocks="present", persons=none) -%}
    (
        select
            link.person_id,
            coalesce(link.person_id, {{ mention_key("versions", is_grouped=true) }}) as holder_id,
            versions.*
        from
            {% if clocks == "run" -%}
            {{ in_force(contract_id) }} as versions
            {%- else -%}
            {{ source("raw", contract_id) }} as versions
            {%- endif %}
        left join {{ person_links(contract_id, clocks=clocks) }} as link
            on {{ mention_key("versions", is_grouped=true) }} = link.mention_key
        where
            {% if clocks == "present" -%}
            versions._closed_batch_id is null
            {%- else -%}
            true
            {%- endif %}
            {%- if persons is not none %}
            and (link.person_id is null or link.person_id in {{ persons }})
            {%- endif %}
    )
{%- endmacro %}


{# The latest sign of life of each person and origin: (person_id, is_manual, evidence_code, contract_id, signed_on,
   batch_id, row_no); manual: the person was called upon to prove it (待遇资格认证). #}
{% macro latest_life_signs(persons, clocks="present") -%}
    (
        select distinct on (sign.person_id, kinds.is_manual)
            sign.person_id,
            kinds.is_manual,
            sign.evidence_code,
            sign.contract_id,
            sign.signed_on,
            sign.batch_id,
            sign.row_no
        from {{ life_signs(persons, clocks) }} as sign
        inner join {{ ref("status_evidence") }} as kinds
            on sign.evidence_code = kinds.evidence_code
        order by
            sign.person_id asc,
            kinds.is_manual asc,
            sign.signed_on desc,
            sign.evidence_code asc,
            sign.batch_id desc,
            sign.row_no desc
    )
{%- endmacro %}
