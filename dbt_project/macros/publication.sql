{# When a decision was published, and whether within seven working days of it (双公示), the day after the decision being
   the first; columns of `decided`, which has decided_on and reported_on, and of the calendar rows joined below. #}
{% macro publication_columns() -%}
    reported_day.working_day_no - decided_day.working_day_no as working_days_taken,
    due_day.day as publication_due_on,
    reported_day.working_day_no - decided_day.working_day_no > {{ publication_days() }} as is_published_late,
    case
        when decided.reported_on is null then '没有报送时间'
        when reported_day.day is null or decided_day.day is null then '不在工作日历范围内'
    end as lateness_unknown_reason
{%- endmacro %}


{% macro publication_days() -%} 7 {%- endmacro %}


{% macro join_publication_days() -%}
    left join {{ ref("working_day") }} as decided_day on decided.decided_on = decided_day.day
    left join {{ ref("working_day") }} as reported_day on decided.reported_on = reported_day.day
    left join {{ ref("working_day") }} as due_day
        on
            decided_day.working_day_no + {{ publication_days() }} = due_day.working_day_no
            and due_day.is_working_day
{%- endmacro %}
