{# What is missing to a level, in the operand's own unit where that is defined, else in words; and the texts in
   which people read values. A share is cut after two places, a gap rounded up: neither flatters. #}
{% macro star_engine_gaps() %}
-- the smallest whole number that is at least (or, strictly, more than) a quotient
create or replace function {{ target.schema }}.whole_from(num numeric, den numeric, is_strict boolean)
returns numeric
language sql
immutable
as $function$
    select case
        when is_strict then floor_part.value + 1
        when floor_part.value * den = num then floor_part.value
        else floor_part.value + 1
    end
    from (select div(num, den) - case when num < 0 and num % den <> 0 then 1 else 0 end as value) as floor_part
$function$;

-- a number as people write it: no trailing zeros
create or replace function {{ target.schema }}.number_text(number numeric)
returns text
language sql
immutable
as $function$
    select trim_scale(number)::text
$function$;

-- a metric as people read it: 91.89%, 15 个, 4.99 km
create or replace function {{ target.schema }}.metric_text(metric jsonb)
returns text
language sql
immutable
as $function$
    select case
        when metric ->> 'num' is null then null
        when metric ->> 'unit' = '%' then {{ target.schema }}.number_text(trunc(100 * parts.num / parts.den, 2)) || '%'
        when metric ? 'root' then {{ target.schema }}.number_text(trunc(sqrt(parts.num / parts.den), 2)) || ' ' || parts.unit
        else {{ target.schema }}.number_text(trunc(parts.num / parts.den, 4)) || ' ' || parts.unit
    end
    from (
        select
            (metric ->> 'num')::numeric as num,
            (metric ->> 'den')::numeric as den,
            metric ->> 'unit' as unit
    ) as parts
$function$;

-- how much of a metric's operand is missing to a threshold that must be reached or passed
create or replace function {{ target.schema }}.missing_amount(condition jsonb, metric jsonb)
returns numeric
language plpgsql
immutable
as $function$
declare
    is_strict boolean := condition ->> 'op' in ('>', '<');
    threshold numeric := {{ target.schema }}.condition_threshold(condition, metric);
    num numeric := (metric ->> 'num')::numeric;
    den numeric := (metric ->> 'den')::numeric;
    scale numeric := case when condition ? 'threshold_pct' then 100 else 1 end;
    short numeric;
begin
    if metric ? 'root' then
        return {{ target.schema }}.whole_from(num, threshold, is_strict) - den;
    elsif condition ->> 'op' in ('<', '<=') then
        return num - threshold * den;
    end if;
    short := threshold * den - scale * num;
    if not metric ? 'operand' then
        return ceil(short * 100 / den) / 100;
    elsif (metric ->> 'is_whole')::boolean then
        return {{ target.schema }}.whole_from(short, scale * (metric ->> 'step')::numeric, is_strict);
    end if;
    return short / (scale * (metric ->> 'step')::numeric);
end
$function$;

-- one condition: whether it holds, and what is missing (operand, amount, unit, sentence) where it does not
create or replace function {{ target.schema }}.condition_gap(condition jsonb, metrics jsonb)
returns jsonb
language plpgsql
immutable
as $function$
declare
    metric jsonb := metrics -> (condition ->> 'metric');
    op text := condition ->> 'op';
    met boolean := {{ target.schema }}.condition_met(condition, metrics);
    gap jsonb := jsonb_build_object('metric', condition -> 'metric', 'is_met', met);
    label text := coalesce(metric ->> 'label', condition ->> 'metric');
    unit text;
    amount numeric;
begin
    if met is null then
        return gap || jsonb_build_object('text', '无法判断（' || (metric ->> 'reason') || '）');
    elsif met then
        return gap;
    elsif op = 'is_true' then
        return gap || jsonb_build_object(
            'operand', condition -> 'metric', 'missing', 1, 'unit', '项', 'text', '缺：' || label
        );
    end if;
    amount := {{ target.schema }}.missing_amount(condition, metric);
    unit := coalesce(metric ->> 'operand_unit', metric ->> 'unit');
    if not metric ? 'operand' then
        return gap || jsonb_build_object(
            'missing', amount, 'unit', '个百分点',
            'text', label || case when amount = 0 then '须超过现值' else '还差 ' || {{ target.schema }}.number_text(amount) || ' 个百分点' end
        );
    elsif op in ('<', '<=') and not metric ? 'root' then
        return gap || jsonb_build_object(
            'operand', metric -> 'operand', 'missing', amount, 'unit', unit,
            'text', label || '现为 ' || {{ target.schema }}.metric_text(metric) || '，须' || case op when '<' then '小于 ' else '不大于 ' end
            || (condition ->> 'value') || ' ' || unit
        );
    end if;
    return gap || jsonb_build_object(
        'operand', metric -> 'operand', 'missing', trim_scale(amount), 'unit', unit,
        'text', case
            when amount = 0 then label || '须超过现值'
            when (metric ->> 'is_whole')::boolean then label || '还差 ' || {{ target.schema }}.number_text(amount) || ' ' || unit
            else label || '还差 ' || {{ target.schema }}.number_text(ceil(amount * 100) / 100) || ' ' || unit
            || case when op = '>' then '以上' else '' end
        end
    );
end
$function$;

-- every condition of a rule with its gap
create or replace function {{ target.schema }}.rule_conditions(rule jsonb, metrics jsonb)
returns jsonb
language sql
immutable
as $function$
    select jsonb_agg({{ target.schema }}.condition_gap(leaf.condition, metrics) order by leaf.leaf_no)
    from {{ target.schema }}.rule_leaves(rule) as leaf
$function$;

-- what is missing to a rule, in one sentence; null where it holds or there is no such level
create or replace function {{ target.schema }}.rule_gap(rule jsonb, metrics jsonb)
returns text
language plpgsql
immutable
as $function$
begin
    if rule is null or {{ target.schema }}.rule_met(rule, metrics) then
        return null;
    elsif rule ? 'all' then
        return (
            select string_agg({{ target.schema }}.rule_gap(value, metrics), '；' order by ordinality)
            from jsonb_array_elements(rule -> 'all') with ordinality
        );
    elsif rule ? 'any' then
        return (
            select string_agg({{ target.schema }}.rule_gap(value, metrics), '，或' order by ordinality)
            from jsonb_array_elements(rule -> 'any') with ordinality
        );
    end if;
    return {{ target.schema }}.condition_gap(rule, metrics) ->> 'text';
end
$function$;

-- what it takes to meet a rule: all of its parts, or the least of alternatives; null where it cannot be told.
-- efforts: {metric: number, 0 where its condition is met}
create or replace function {{ target.schema }}.rule_effort(rule jsonb, efforts jsonb)
returns numeric
language plpgsql
immutable
as $function$
begin
    if rule ? 'all' then
        return (
            select case when count(*) = count(effort) then sum(effort) end
            from (
                select {{ target.schema }}.rule_effort(value, efforts) as effort
                from jsonb_array_elements(rule -> 'all')
            ) as part
        );
    elsif rule ? 'any' then
        return (
            select min({{ target.schema }}.rule_effort(value, efforts)) from jsonb_array_elements(rule -> 'any')
        );
    end if;
    return (efforts ->> (rule ->> 'metric'))::numeric;
end
$function$;

-- the figure that stands for the indicator: its rate, first part, deduction, count, or the number of items fulfilled
create or replace function {{ target.schema }}.headline(formula jsonb, options jsonb, five_star_rule jsonb, metrics jsonb)
returns jsonb
language sql
immutable
as $function$
    select case
        when formula ->> 'type' in ('ratio', 'weighted_mean', 'growth') then metrics -> 'rate'
        when formula ->> 'type' = 'compound' then metrics -> (formula -> 'parts' -> 0 ->> 'id')
        when formula ->> 'type' = 'deduction' then metrics -> 'deduction'
        when options ? 'square_root' then metrics -> (options -> 'square_root' ->> 'metric')
        when formula ->> 'type' = 'checklist' then (
            select case
                when bool_or(metrics -> (leaf.condition ->> 'metric') ->> 'num' is null) then null
                else jsonb_build_object(
                    'num', count(*) filter (where {{ target.schema }}.condition_met(leaf.condition, metrics)),
                    'den', 1, 'unit', '项', 'of', count(*)
                )
            end
            from {{ target.schema }}.rule_leaves(five_star_rule) as leaf
        )
        else metrics -> (select leaf.condition ->> 'metric' from {{ target.schema }}.rule_leaves(five_star_rule) as leaf limit 1)
    end
$function$;

-- the value as people read it; every part of a compound indicator, null where none of them is known
create or replace function {{ target.schema }}.value_text(formula jsonb, headline jsonb, metrics jsonb)
returns text
language sql
immutable
as $function$
    select case
        when formula ->> 'type' = 'compound' then (
            select
                case
                    when count({{ target.schema }}.metric_text(metrics -> (part.value ->> 'id'))) > 0 then string_agg(
                        coalesce({{ target.schema }}.metric_text(metrics -> (part.value ->> 'id')), '—'), '，' order by part.ordinality
                    )
                end
            from jsonb_array_elements(formula -> 'parts') with ordinality as part (value, ordinality)
        )
        when headline ? 'of' then (headline ->> 'num') || '/' || (headline ->> 'of') || ' 项'
        when formula ->> 'type' = 'deduction' then '扣 ' || {{ target.schema }}.metric_text(headline)
        else {{ target.schema }}.metric_text(headline)
    end
$function$;
{% endmacro %}
