{# The generic star engine: formula + operands → metrics → rules → stars and gaps.
   A metric is a fraction {num, den} of exact numerics, or {reason} where it cannot be computed. Nothing is
   rounded before it is compared: num × 100 against threshold_pct × den. The functions hold no indicator's name;
   what differs between indicators stands in seeds/indicators.csv. #}
{% macro create_star_engine() %}
select pg_advisory_xact_lock(371000003);
{{ star_engine_metrics() }}
{{ star_engine_rules() }}
{{ star_engine_gaps() }}
{% endmacro %}


{% macro star_engine_metrics() %}
-- the conditions at the leaves of a rule, in the order of its text
create or replace function {{ target.schema }}.rule_leaves(rule jsonb)
returns table (leaf_no bigint, condition jsonb)
language sql
immutable
as $function$
    select leaf.ordinality, leaf.value
    from jsonb_path_query(rule, 'strict $.** ? (exists(@.metric))') with ordinality as leaf (value, ordinality)
$function$;

-- the sum of an array of fractions, exactly
create or replace function {{ target.schema }}.fraction_sum(fractions jsonb)
returns jsonb
language plpgsql
immutable
as $function$
declare
    num numeric := 0;
    den numeric := 1;
    part jsonb;
begin
    for part in select value from jsonb_array_elements(fractions) loop
        num := num * (part ->> 'den')::numeric + (part ->> 'num')::numeric * den;
        den := den * (part ->> 'den')::numeric;
    end loop;
    return jsonb_build_object('num', trim_scale(num), 'den', trim_scale(den));
end
$function$;

-- a weight as the plan writes it ("1/3", "0.40") as a fraction
create or replace function {{ target.schema }}.weight_fraction(weight text)
returns jsonb
language sql
immutable
as $function$
    select jsonb_build_object(
        'num', trim_scale(split_part(weight, '/', 1)::numeric),
        'den', coalesce(nullif(split_part(weight, '/', 2), '')::numeric, 1)
    )
$function$;

-- why operands are missing, each reason once; null where all are there
create or replace function {{ target.schema }}.missing_reason(names text[], operands jsonb)
returns text
language sql
immutable
as $function$
    select string_agg(
        distinct coalesce(
            operands -> name ->> 'reason', '缺少“' || coalesce(operands -> name ->> 'label', name) || '”'
        ), '；'
    )
    from unnest(names) as name
    where operands -> name ->> 'value' is null
$function$;

-- an operand taken as a metric by itself: counts, sums, ranks, means, checklist items
create or replace function {{ target.schema }}.metric_operand(name text, operands jsonb)
returns jsonb
language sql
immutable
as $function$
    select case
        when operands -> name ->> 'value' is null
            then jsonb_build_object('reason', {{ target.schema }}.missing_reason(array[name], operands))
        else jsonb_build_object(
            'num', operands -> name -> 'value', 'den', 1, 'step', 1, 'operand', name,
            'label', operands -> name -> 'label', 'unit', operands -> name -> 'unit',
            'is_whole', operands -> name -> 'whole'
        )
    end
$function$;

-- numerator over denominator; capped at 1 where the indicator says so
create or replace function {{ target.schema }}.metric_ratio(part jsonb, operands jsonb, is_capped boolean)
returns jsonb
language sql
immutable
as $function$
    select case
        when missing.reason is not null then jsonb_build_object('reason', missing.reason)
        when pair.den <= 0
            then jsonb_build_object(
                'reason', '分母“' || (operands -> (part ->> 'denominator') ->> 'label') || '”不大于 0，无法计算'
            )
        else jsonb_build_object(
            'num', case when is_capped then least(pair.num, pair.den) else pair.num end, 'den', pair.den,
            'step', 1, 'unit', '%', 'operand', part -> 'numerator',
            'label', operands -> (part ->> 'numerator') -> 'label',
            'operand_unit', operands -> (part ->> 'numerator') -> 'unit',
            'is_whole', operands -> (part ->> 'numerator') -> 'whole',
            'is_capped', is_capped and pair.num > pair.den
        )
    end
    from (
        select
            (operands -> (part ->> 'numerator') ->> 'value')::numeric as num,
            (operands -> (part ->> 'denominator') ->> 'value')::numeric as den
    ) as pair
    cross join (
        select {{ target.schema }}.missing_reason(array[part ->> 'numerator', part ->> 'denominator'], operands) as reason
    ) as missing
$function$;

-- the mean of the parts by their weights, on a common denominator
create or replace function {{ target.schema }}.metric_weighted_mean(parts jsonb, metrics jsonb)
returns jsonb
language sql
immutable
as $function$
    select case
        when count(*) filter (where metric.value ->> 'num' is null) > 0
            then jsonb_build_object('reason', string_agg(distinct metric.value ->> 'reason', '；'))
        else {{ target.schema }}.fraction_sum(
            jsonb_agg(
                jsonb_build_object(
                    'num', (weight.value ->> 'num')::numeric * (metric.value ->> 'num')::numeric,
                    'den', (weight.value ->> 'den')::numeric * (metric.value ->> 'den')::numeric
                )
            )
        ) || jsonb_build_object('unit', '%', 'label', '加权平均值')
    end
    from jsonb_array_elements(parts) as part (value)
    cross join lateral (select metrics -> (part.value ->> 'id')) as metric (value)
    cross join lateral (select {{ target.schema }}.weight_fraction(part.value ->> 'weight')) as weight (value)
$function$;

-- (current - previous) / previous of two ratios
create or replace function {{ target.schema }}.metric_growth(formula jsonb, operands jsonb)
returns jsonb
language sql
immutable
as $function$
    select case
        when cur.ratio ->> 'num' is null or prev.ratio ->> 'num' is null
            then jsonb_build_object('reason', concat_ws('；', cur.ratio ->> 'reason', prev.ratio ->> 'reason'))
        when (prev.ratio ->> 'num')::numeric <= 0
            then jsonb_build_object('reason', '上期值“' || (prev.ratio ->> 'label') || '”不大于 0，无法计算增幅')
        else cur.ratio || jsonb_build_object(
            'num',
            (cur.ratio ->> 'num')::numeric * (prev.ratio ->> 'den')::numeric
            - (prev.ratio ->> 'num')::numeric * (cur.ratio ->> 'den')::numeric,
            'den', (cur.ratio ->> 'den')::numeric * (prev.ratio ->> 'num')::numeric,
            'step', prev.ratio -> 'den'
        )
    end
    from (select {{ target.schema }}.metric_ratio(formula -> 'current', operands, false) as ratio) as cur
    cross join (select {{ target.schema }}.metric_ratio(formula -> 'previous', operands, false) as ratio) as prev
$function$;

-- the square root of a quotient, kept as the quotient: squares are compared
create or replace function {{ target.schema }}.metric_square_root(definition jsonb, operands jsonb)
returns jsonb
language sql
immutable
as $function$
    select case
        when ratio.metric ->> 'num' is null then ratio.metric
        else ratio.metric || jsonb_build_object(
            'root', 2, 'is_whole', true, 'operand', definition -> 'denominator',
            'label', operands -> (definition ->> 'denominator') -> 'label',
            'operand_unit', operands -> (definition ->> 'denominator') -> 'unit',
            'unit', definition -> 'unit'
        )
    end
    from (select {{ target.schema }}.metric_ratio(definition, operands, false) as metric) as ratio
$function$;

-- every metric that the formula defines or a rule names: {metric: {num, den, …} or {reason}}
create or replace function {{ target.schema }}.metrics(
    formula jsonb, options jsonb, four_star_rule jsonb, five_star_rule jsonb, operands jsonb
)
returns jsonb
language plpgsql
immutable
as $function$
declare
    found jsonb := '{}';
    part jsonb;
    name text;
    loose text;
    is_capped boolean := coalesce((options ->> 'cap')::boolean, false);
begin
    case
        when formula ->> 'type' = 'ratio' then
            found := jsonb_build_object('rate', {{ target.schema }}.metric_ratio(formula, operands, is_capped));
        when formula ->> 'type' in ('compound', 'weighted_mean') then
            for part in select value from jsonb_array_elements(formula -> 'parts') loop
                found := found || jsonb_build_object(
                    part ->> 'id',
                    case
                        when part ->> 'type' = 'ratio' then {{ target.schema }}.metric_ratio(part, operands, is_capped)
                        else {{ target.schema }}.metric_operand(part ->> 'id', operands)
                    end
                );
            end loop;
            if formula ->> 'type' = 'weighted_mean' then
                found := found || jsonb_build_object(
                    formula ->> 'result', {{ target.schema }}.metric_weighted_mean(formula -> 'parts', found)
                );
            end if;
        when formula ->> 'type' = 'growth' then
            found := jsonb_build_object('rate', {{ target.schema }}.metric_growth(formula, operands));
        when formula ->> 'type' = 'deduction' then
            part := {{ target.schema }}.metric_operand(coalesce(formula ->> 'count', 'incident_count'), operands);
            found := jsonb_build_object(
                'deduction',
                case
                    when part ->> 'num' is null then part
                    else jsonb_build_object(
                        'num', (formula ->> 'per_incident')::numeric * (part ->> 'num')::numeric, 'den', 1,
                        'unit', '%'
                    )
                end
            );
        when formula ->> 'type' in ('count_distinct', 'sum', 'mean', 'reported', 'reported_or_gis', 'checklist')
            then null;
        else
            raise exception '不认识的公式类型 %', formula ->> 'type';
    end case;
    if options ? 'square_root' then
        found := found || jsonb_build_object(
            options -> 'square_root' ->> 'metric', {{ target.schema }}.metric_square_root(options -> 'square_root', operands)
        );
    end if;
    for name in
        select leaf.condition ->> 'metric' from {{ target.schema }}.rule_leaves(four_star_rule) as leaf
        union
        select leaf.condition ->> 'metric' from {{ target.schema }}.rule_leaves(five_star_rule) as leaf
    loop
        if not found ? name then
            found := found || jsonb_build_object(name, {{ target.schema }}.metric_operand(name, operands));
        end if;
    end loop;
    for name, loose in select key, value from jsonb_each_text(coalesce(formula -> 'implications', '{}')) loop
        if (found -> name ->> 'num')::numeric = 1 and found ? loose then
            found := jsonb_set(found, array[loose], (found -> name) || jsonb_build_object('operand', loose));
        end if;
    end loop;
    return found;
end
$function$;

{% endmacro %}


{% macro star_engine_rules() %}
-- the threshold in the metric's own measure: per cent, the number, or the square where squares are compared
create or replace function {{ target.schema }}.condition_threshold(condition jsonb, metric jsonb)
returns numeric
language sql
immutable
as $function$
    select case
        when condition ? 'threshold_pct' then (condition ->> 'threshold_pct')::numeric
        when metric ? 'root' then ((condition ->> 'value')::numeric) * ((condition ->> 'value')::numeric)
        else (condition ->> 'value')::numeric
    end
$function$;

-- whether one condition holds; null where its metric is missing
create or replace function {{ target.schema }}.condition_met(condition jsonb, metrics jsonb)
returns boolean
language plpgsql
immutable
as $function$
declare
    metric jsonb := metrics -> (condition ->> 'metric');
    op text := condition ->> 'op';
    num numeric := (metric ->> 'num')::numeric;
    den numeric := (metric ->> 'den')::numeric;
    threshold numeric;
begin
    if metric is null then
        raise exception '规则引用了没有定义的度量 %', condition ->> 'metric';
    end if;
    if op = 'is_true' then
        return num = 1;
    end if;
    threshold := {{ target.schema }}.condition_threshold(condition, metric) * den;
    if condition ? 'threshold_pct' then
        num := num * 100;
    end if;
    if op = '>=' then
        return num >= threshold;
    elsif op = '>' then
        return num > threshold;
    elsif op = '<=' then
        return num <= threshold;
    elsif op = '<' then
        return num < threshold;
    end if;
    raise exception '不认识的比较 %', op;
end
$function$;

-- whether a rule holds, in three-valued logic; null also where there is no such level
create or replace function {{ target.schema }}.rule_met(rule jsonb, metrics jsonb)
returns boolean
language plpgsql
immutable
as $function$
begin
    if rule is null then
        return null;
    elsif rule ? 'all' then
        return (
            select case when bool_or(met is false) then false when bool_or(met is null) then null else true end
            from (select {{ target.schema }}.rule_met(value, metrics) as met from jsonb_array_elements(rule -> 'all')) as part
        );
    elsif rule ? 'any' then
        return (
            select case when bool_or(met) then true when bool_or(met is null) then null else false end
            from (select {{ target.schema }}.rule_met(value, metrics) as met from jsonb_array_elements(rule -> 'any')) as part
        );
    end if;
    return {{ target.schema }}.condition_met(rule, metrics);
end
$function$;

-- the star: 5, 4, 0, or null where the five-star rule is undetermined, or fails and the four-star one is
create or replace function {{ target.schema }}.star_of(
    four_star_rule jsonb, five_star_rule jsonb, four_star_met boolean, five_star_met boolean
)
returns smallint
language sql
immutable
as $function$
    select case
        when five_star_rule is null then null
        when five_star_met then 5
        when five_star_met is null then null
        when four_star_rule is null then 0
        when four_star_met then 4
        when four_star_met is null then null
        else 0
    end
$function$;
{% endmacro %}
