{# licence.by_holder(number, on_date): the licences in force on a date of whoever bears the number, whichever of their
   numbers a licence names. Runs with the rights of who asks; departments need a grant to the columns. #}
{% macro create_by_holder() -%}
    drop function if exists {{ this.schema }}.by_holder(text, date);
    create function {{ this.schema }}.by_holder(number text, on_date date)
    returns setof {{ this }}
    language sql stable
    as $$
        with holders as (
            select
                held.person_id,
                held.entity_id
            from {{ this }} as held
            where held.holder_code = upper(by_holder.number)
        )

        select held.*
        from {{ this }} as held
        where
            (
                held.holder_code = upper(by_holder.number)
                or held.person_id in (select holders.person_id from holders)
                or held.entity_id in (select holders.entity_id from holders)
            )
            and held.valid_from <= by_holder.on_date
            and coalesce(held.in_force_until > by_holder.on_date, true)
    $$;
    revoke all on function {{ this.schema }}.by_holder(text, date) from public
{%- endmacro %}
