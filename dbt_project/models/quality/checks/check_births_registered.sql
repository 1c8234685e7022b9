-- one row: children due to be registered here, a month after birth; those in the register
{{ config(materialized="view") }}

with

births as (
    select
        birth._record_key,
        {{ local_day("birth.born_at") }} as born_on
    from {{ in_force("health__birth_certificate") }} as birth
),

links as (
    select * from {{ source("linkage", "person_link") }}
),

persons as (
    select * from {{ ref("person") }}
),

children as (
    select
        births._record_key,
        births.born_on,
        links.person_id
    from births
    inner join links
        on
            births._record_key = links.mention_key
            and links.source_id = {{ source_id("health__birth_certificate", "person") }}
),

-- a child is registered where its mother or father is; of others the register here knows nothing
of_registered_parents as (
    select births._record_key
    from births
    inner join links
        on
            births._record_key = links.mention_key
            and links.source_id in (
                {{ source_id("health__birth_certificate", "mother") }},
                {{ source_id("health__birth_certificate", "father") }}
            )
    inner join persons on links.person_id = persons.person_id
    where persons.household_no is not null and persons.moved_out_on is null
    group by births._record_key
),

-- 户口登记条例 第七条: within one month of the birth
due as (
    select children.person_id
    from children
    inner join of_registered_parents on children._record_key = of_registered_parents._record_key
    where children.born_on <= ({{ as_of() }} - interval '1 month')::date
    group by children.person_id
),

final as (
    select
        count(*) filter (where persons.household_no is not null) as passed,
        count(*) as checked
    from due
    left join persons on due.person_id = persons.person_id
)

select * from final
