{# Records that show a person alive on a day: (person_id, evidence_code, contract_id, signed_on, batch_id, row_no);
   persons: as in person_versions, clocks: as in person_records. Titles: seeds/status_evidence.csv. #}
{% macro life_signs(persons=none, clocks="present") -%}
    {%- set city_time = "at time zone 'Asia/Shanghai'" -%}
    {#- code, contract, role, whether grouped, date, condition -#}
    {%- set signs = [
        ("medical_visit", "medical_security__insured", "person", false, "last_visit_on", "true"),
        ("permit_registered", "public_security__residence_permit", "person", false, "registered_on", "true"),
        ("insurance_paid", "human_resources__social_insurance", "person", true,
            "case when record.period ~ '^[0-9]{4}(0[1-9]|1[0-2])$'"
            ~ " then to_date(record.period || '01', 'YYYYMMDD') end",
            "record.status = '参保缴费' and record.payment_kind = '正常'"),
        ("attends_school", "education__student", "person", false, "_as_of", "record.status = '在读'"),
        ("married", "civil_affairs__marriage", "husband", false, "registered_on", "true"),
        ("married", "civil_affairs__marriage", "wife", false, "registered_on", "true"),
        ("gave_birth", "health__birth_certificate", "mother", false, "(record.born_at " ~ city_time ~ ")::date", "true"),
        ("household_updated", "public_security__household_population", "person", [],
            "(record.updated_at " ~ city_time ~ ")::date",
            "record.cancelled_on is null and record.moved_out_on is null"),
        ("pension_verified", "human_resources__pension_payment", "person", true,
            "last_verified_on", "true"),
    ] -%}
    (
        {%- for code, contract_id, role, is_grouped, signed_on, condition in signs %}
        {%- set signed_on = signed_on if "(" in signed_on or " " in signed_on else "record." ~ signed_on %}
        select
            record.person_id,
            '{{ code }}' as evidence_code,
            '{{ contract_id }}' as contract_id,
            {{ signed_on }} as signed_on,
            record._batch_id as batch_id,
            record._row_no as row_no
        from {{ person_records(contract_id, role, persons, is_grouped, clocks) }} as record
        where {{ condition }} and {{ signed_on }} <= record._as_of
        {% if not loop.last %}union all{% endif %}
        {%- endfor %}
    )
{%- endmacro %}


{# Words of a cancelled registration's reason that mean death; a regular expression. #}
{% macro death_words() -%} 死|亡故|去世 {%- endmacro %}
