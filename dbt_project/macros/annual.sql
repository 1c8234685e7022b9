{# The rows of the annual statistics that a run may use, one per year: published by the as-of date, the most final
   vintage, within it the latest publication (an empty vintage is an annual report). value is in base_unit
   (seeds/units.csv), or in to_unit; null where the delivered unit is of another kind. #}
{% macro annual_statistics(indicator_name, base_unit, to_unit=none, region_code='371000') -%}
    (
        select distinct on (statistic.year)
            statistic.year,
            {% if to_unit is none -%}
            statistic.value * units.factor as value,
            {%- else -%}
            {{ convert_unit("statistic.value * units.factor", base_unit, to_unit) }} as value,
            {%- endif %}
            'statistics__annual_indicator' as contract_id,
            statistic._batch_id as source_batch_id,
            statistic._row_no as source_row_no
        from {{ in_force("statistics__annual_indicator") }} as statistic
        left join {{ ref("statistic_vintages") }} as vintages
            on coalesce(statistic.vintage, '年报') = vintages.vintage
        left join {{ ref("units") }} as units
            on statistic.unit = units.unit and units.base_unit = '{{ base_unit }}'
        where
            statistic.indicator_name = '{{ indicator_name }}'
            and statistic.region_code = '{{ region_code }}'
            and {{ has_begun("statistic.published_on") }}
        order by
            statistic.year asc,
            {{ most_final_first("statistic") }}
    )
{%- endmacro %}


{# The areas of one kind and division in km², one row per year. #}
{% macro annual_area(area_kind, division_code='371000') -%}
    select
        area.year,
        area.area_sqkm as value,
        'natural_resources__area' as contract_id,
        area.source_batch_id,
        area.source_row_no
    from {{ ref("int_area__in_force") }} as area
    where
        area.area_kind = '{{ area_kind }}'
        and area.division_code = '{{ division_code }}'
{%- endmacro %}


{# The figures of a contract with one row per year, the one stated last where there are several. value: a column;
   where: a condition; reads_empty: a row without the figure counts, so that the year has none. #}
{% macro annual_register(contract_id, value, where=none, reads_empty=false) -%}
    select distinct on (reported.year)
        reported.year,
        reported.{{ value }} as value,
        '{{ contract_id }}' as contract_id,
        reported._batch_id as source_batch_id,
        reported._row_no as source_row_no
    from {{ in_force(contract_id) }} as reported
    where
        {{ "true" if reads_empty else "reported." ~ value ~ " is not null" }}
        {%- if where is not none %}
        and {{ where }}
        {%- endif %}
    order by reported.year asc, reported._applied_seq desc, reported._row_no desc
{%- endmacro %}


{# Whether a year (text YYYY) may be used under the parameter annual_period. #}
{% macro is_annual_period(year, as_of) -%}
    case {{ parameter("annual_period") }}
        when 'as_of_year' then {{ year }} = to_char({{ as_of }}, 'YYYY')
        else to_date({{ year }} || '1231', 'YYYYMMDD') <= {{ as_of }}
    end
{%- endmacro %}


{# The latest usable year for which every figure is known: no row or one, with year and one column per operand.
   figures: {operand: relation with the columns year and value, at most one row per year}. #}
{% macro latest_common_year(figures) -%}
    {%- set first = (figures.values() | list)[0] -%}
    select
        {{ first }}.year,
        {%- for operand, relation in figures.items() %}
        {{ relation }}.value as {{ operand }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ first }}
    {%- for relation in figures.values() %}
    {%- if not loop.first %}
    inner join {{ relation }} on {{ first }}.year = {{ relation }}.year
    {%- endif %}
    {%- endfor %}
    where
        {{ is_annual_period(first ~ ".year", as_of()) }}
        {%- for relation in figures.values() %}
        and {{ relation }}.value is not null
        {%- endfor %}
    order by {{ first }}.year desc
    limit 1
{%- endmacro %}


{# The operand rows of a CTE made by latest_common_year; without a row each is null and says what is not known.
   operands: {operand: CTE with year and the source row}; exclusions: {CTE: why one of its rows does not count}, SQL. #}
{% macro annual_operand_rows(figures, operands, needs, titles, exclusions={}) -%}
    {%- set none_known = "没有" ~ titles ~ ("均" if operands | length > 1 else "") ~ "已公布、且已结束的年度" -%}
    {%- for operand, relation in operands.items() %}
    {%- if lists_rows() %}
    select
        '{{ operand }}' as operand,
        {{ relation }}.contract_id,
        {{ relation }}.source_batch_id,
        {{ relation }}.source_row_no,
        case
            {%- if relation in exclusions %}
            when {{ exclusions[relation] }} is not null then {{ exclusions[relation] }}
            {%- endif %}
            when {{ figures }}.year is null then '{{ none_known }}'
            when {{ relation }}.year <> {{ figures }}.year then '采用的年度是 ' || {{ figures }}.year
        end as exclusion
    from {{ relation }}
    left join {{ figures }} on true
    {%- else %}
    {{
        operand_row(
            operand,
            "select " ~ figures ~ "." ~ operand ~ " from " ~ figures,
            needs,
            note="select case when count(*) = 0 then '" ~ none_known ~ "' end from " ~ figures,
            period="select " ~ figures ~ ".year from " ~ figures,
        )
    }}
    {%- endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
