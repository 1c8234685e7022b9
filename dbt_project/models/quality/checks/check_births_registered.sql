-- one row: children certified as born a month ago or longer; those in the household register
{{ config(materialized="view") }}

with

births as (
    select
        {{ local_day("birth.born_at") }} as born_on,
        link.person_id
    from {{ in_force("health__birth_certificate") }} as birth
    inner join {{ source("linkage", "person_link") }} as link
        on
            birth._record_key = link.mention_key
            and link.source_id = {{ source_id("health__birth_certificate", "person") }}
),

persons as (
    select * from {{ ref("person") }}
),

-- 户口登记条例 第七条: within one month of the birth
due as (
    select births.person_id
    from births
    where births.born_on <= ({{ as_of() }} - interval '1 month')::date
    group by births.person_id
),

final as (
    select
        count(*) filter (where persons.household_no is not null) as passed,
        count(*) as checked
    from due
    left join persons on due.person_id = persons.person_id
)

select * from final
