-- What intake keeps about a delivery beyond its figures, and the one masking rule of everything it reports.

alter table quality.batch
    -- keyed hash of where a delivery lay, its names, contents and declarations: finds it again after a kill
    add column delivery_key text,
    -- its files are archived and gone from the inbox
    add column is_taken boolean not null default true,
    -- records in force within the delivered scope at its as-of date, before it
    add column rows_in_force bigint,
    -- the clock at which the split into new, changed, unchanged and withdrawn was computed
    add column split_seq bigint,
    -- its receipts are written; null while it still needs an answer
    add column answered_at timestamptz;

create unique index on quality.batch (delivery_key) where not is_taken;
create index on quality.batch (status) where status in ('received', 'staged', 'held');

-- a value as people outside its department may see it (spec: names 张*, phones 138****5678, numbers 371***********001*)
create function quality.mask_value(value text, kind text) returns text
language sql immutable parallel safe
return case kind
    when 'plain' then value
    when 'scan' then
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    value,
                    '(^|[^0-9])([1-9][0-9]{2})[0-9]{3}(18|19|20)[0-9]{2}(0[1-9]|1[0-2])'
                    || '(0[1-9]|[12][0-9]|3[01])([0-9]{3})[0-9Xx]([^0-9]|$)',
                    '\1\2***********\6*\7', 'g'
                ),
                '(^|[^0-9])([1-9][0-9]{2})[0-9]{5}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}([^0-9]|$)',
                '\1\2************\5', 'g'
            ),
            '(^|[^0-9])(1[3-9][0-9])[0-9]{4}([0-9]{4})([^0-9]|$)', '\1\2****\3\4', 'g'
        )
    when 'id' then
        case
            when value ~ '^[0-9]{17}[0-9Xx]$' then left(value, 3) || '***********' || substr(value, 15, 3) || '*'
            else left(value, 1) || '*'
        end
    when 'phone' then
        case when value ~ '^[0-9]{11}$' then left(value, 3) || '****' || right(value, 4) else left(value, 1) || '*' end
    when 'account' then case when length(value) >= 12 then '****' || right(value, 4) else '*' end
    when 'address' then coalesce(substring(value from '^.{2,}?(?:镇|街道|乡|县|市|区)'), left(value, 1)) || '*'
    when 'name' then
        case
            when length(value) >= 4 then left(value, 2) || repeat('*', least(length(value), 8) - 2)
            else left(value, 1) || repeat('*', greatest(length(value) - 1, 1))
        end
    else left(value, 1) || '*'
end;
