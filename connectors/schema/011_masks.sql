-- Masks that also see numbers in full width, grouped by blanks, side by side or with a country code, and cells that do
-- not belong in their column.

-- apart, because a function with a query in it cannot be folded into the views that call it; connectors/privacy.py says
-- the same, a test holds them together
create function quality.mask_scan(value text) returns text
language sql immutable parallel safe
return (
    select case when found.masked = found.plain then value else found.masked end
    from (
        select
            folded.plain,
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        folded.plain,
                        '([1-9]\d{2})\d{3}[ -]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])'
                        || '[ -]?(\d{3})[\dXx]',
                        '\1***********\2*', 'g'
                    ),
                    '(?<!\d)([1-9]\d{2})\d{5}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)',
                    '\1************', 'g'
                ),
                '(?<!\d)((?:(?:\+|00)?86[ -]?)?1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)', '\1****\2', 'g'
            ) as masked
        from (select translate(value, '０１２３４５６７８９Ｘｘ　－＋', '0123456789Xx -+') as plain) as folded
    ) as found
);

create or replace function quality.mask_value(value text, kind text) returns text
language sql immutable parallel safe
return case kind
    when 'plain' then value
    when 'scan' then quality.mask_scan(value)
    -- a cell of a column of dates, numbers or codes: what can be no date or number may have come from the next column
    when 'typed' then
        case
            when value ~ '^[0-9]{1,4}([-/.:年月日时 ,][0-9]{0,4}){0,6}%?$' and value !~ '[0-9]{9}' then value
            else left(value, 1) || '*'
        end
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
