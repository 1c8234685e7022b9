{# The rows of the annual statistics that a run may use, one per year: published by the as-of date, the most final
   vintage, within it the latest publication (an empty vintage is an annual report). value is in base_unit
   (seeds/units.csv); null where the delivered unit is of another kind. #}
{% macro annual_statistics(indicator_name, base_unit, region_code='371000') -%}
    (
        select distinct on (statistic.year)
            statistic.year,
            statistic.value * units.factor as value
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
        area.area_sqkm as value
    from {{ ref("int_area__in_force") }} as area
    where
        area.area_kind = '{{ area_kind }}'
        and area.division_code = '{{ division_code }}'
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


{# The operand rows of a CTE made by latest_common_year; without a row each is null and says what is not known. #}
{% macro annual_operand_rows(figures, operands, needs, titles) -%}
    {%- for operand in operands %}
    {{
        operand_row(
            operand,
            "select " ~ figures ~ "." ~ operand ~ " from " ~ figures,
            needs,
            note="select case when count(*) = 0 then '没有" ~ titles ~ ("均" if operands | length > 1 else "")
                ~ "已公布、且已结束的年度' end from " ~ figures,
            period="select " ~ figures ~ ".year from " ~ figures,
        )
    }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}
