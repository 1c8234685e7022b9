-- one row per household of the register, at present
{{ config(materialized="view") }}

with

members as (
    select * from {{ ref("person") }}
    where household_no is not null and moved_out_on is null and cancelled_on is null
)

select
    members.household_no,
    (
        array_agg(members.person_id order by members.birth_date, members.person_id)
        filter (where members.household_relation = '户主')
    )[1] as head_person_id,
    count(*) as member_count,
    (
        array_agg(
            members.registered_division_code
            order by members.household_relation = '户主' desc nulls last, members.person_id
        )
    )[1] as registered_division_code,
    (
        array_agg(
            members.registered_address
            order by members.household_relation = '户主' desc nulls last, members.person_id
        )
    )[1] as registered_address
from members
group by members.household_no
