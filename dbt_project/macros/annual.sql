{# The rows of the annual statistics that a run may use, one per indicator and year: published by the as-of date,
   the most final vintage, within it the latest publication (an empty vintage is an annual report). Money in yuan. #}
{% macro annual_statistics(indicator_name, region_code='371000') -%}
    (
        select distinct on (statistic.year)
            statistic.year,
            statistic.value * money_units.yuan as value_cny
        from {{ in_force("statistics__annual_indicator") }} as statistic
        cross join {{ source("mart", "current_run") }} as clock
        left join {{ ref("statistic_vintages") }} as vintages
            on coalesce(statistic.vintage, '年报') = vintages.vintage
        left join {{ ref("money_units") }} as money_units
            on statistic.unit = money_units.unit
        where
            statistic.indicator_name = '{{ indicator_name }}'
            and statistic.region_code = '{{ region_code }}'
            and coalesce(statistic.published_on <= clock.as_of, true)
        order by
            statistic.year asc,
            vintages.priority desc nulls last,
            statistic.published_on desc nulls last,
            statistic._applied_seq desc,
            statistic._row_no desc
    )
{%- endmacro %}


{# Whether a year (text YYYY) may be used under the parameter annual_period. #}
{% macro is_annual_period(year, as_of) -%}
    case {{ parameter("annual_period") }}
        when 'as_of_year' then {{ year }} = to_char({{ as_of }}, 'YYYY')
        else to_date({{ year }} || '1231', 'YYYYMMDD') <= {{ as_of }}
    end
{%- endmacro %}
