-- Values as people outside their department may see them: names 张*, phones 138****5678, numbers 371***********001*,
-- addresses down to the town. Masks also see numbers in full width, grouped by blanks, side by side or with a country
-- code, and cells that do not belong in their column.

-- apart, because a function with a query in it cannot be folded into the views that call it; connectors/privacy.py says
-- the same, a test holds them together
create or replace function quality.mask_scan(value text) returns text
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

-- what stands before road, village and door: province, city, county or district, town; nothing where a part is none of
-- these (小区 is no district, 镇海路 no town), so that in doubt less is shown
create or replace function quality.mask_address(value text) returns text
language sql immutable parallel safe
return coalesce(
    nullif(
        substring(
            value from '^(?:[^0-9]{2,3}(?:省|自治区))?(?:[^0-9省路街道号村]{2,4}?市)?'
            || '(?:[^0-9市路街号村]{1,3}(?:县|(?<![超菜夜集门早])市|(?<![小社园校厂库片区东西南北新旧老里中])区)'
            || '|[^0-9市路街号村]{2,9}(?:开发|高新|保税|南海新)区)?'
            || '(?:(?:城区|[^0-9市县区路街号]{2,5}路?)街道|[^0-9市县区路街号]{2,5}[镇乡](?![^0-9]?(?:[路街巷]|大道)))?'
        ),
        ''
    ),
    left(value, 1)
) || '*';

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
    when 'address' then quality.mask_address(value)
    -- GB/T 2260 down to the town (9 digits), as addresses
    when 'division' then
        case when value ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12})$' then left(value, 9) else left(value, 1) || '*' end
    when 'name' then
        case
            when length(value) >= 4 then left(value, 2) || repeat('*', least(length(value), 8) - 2)
            else left(value, 1) || repeat('*', greatest(length(value) - 1, 1))
        end
    else left(value, 1) || '*'
end;
