{# Order by which of several rows on one figure counts: most final vintage, then latest publication, then latest
   delivery. row: its alias; vintages: that of seeds/statistic_vintages.csv, left-joined. #}
{% macro most_final_first(row, vintages="vintages") -%}
    {{ vintages }}.priority desc nulls last,
    {{ row }}.published_on desc nulls last,
    {{ row }}._applied_seq desc,
    {{ row }}._row_no desc
{%- endmacro %}


{# All versions of a contract's rows as observations of one measure. Names, values: SQL expressions on `given`. #}
{% macro observations_of(
    contract_id, measure, indicator_name, region_code, period, value, unit,
    category="null", vintage="null", yoy_pct="null", published_on="null"
) -%}
    select
        '{{ contract_id }}' as contract_id,
        {{ indicator_name }} as indicator_name,
        {{ category }}::text as category,
        {{ region_code }} as region_code,
        {{ period }} as period,
        '{{ measure }}' as measure,
        {{ vintage }}::text as vintage,
        {{ value }}::numeric as given_value,
        {{ unit }} as given_unit,
        {{ yoy_pct }}::numeric as yoy_pct,
        {{ published_on }}::date as published_on,
        given._closed_batch_id is null as is_current,
        given._as_of as stated_as_of,
        given._applied_seq,
        given._batch_id,
        given._row_no
    from {{ source("raw", contract_id) }} as given
    where {{ value }} is not null
{%- endmacro %}
