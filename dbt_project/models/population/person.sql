-- one row per natural person: the present state
{{ config(materialized="view") }}

with

present as (
    select * from {{ ref("person_history") }}
    where valid_to is null and known_to is null
),

status as (
    select * from {{ ref("person_status") }}
    where
        valid_from <= {{ present_date() }}
        and (valid_to is null or valid_to > {{ present_date() }})
)

select
    present.person_id,
    present.id_no,
    present.id_kind,
    present.unverified_id_no,
    present.name,
    present.sex_code,
    present.ethnicity_code,
    present.birth_date,
    present.former_name,
    present.birth_place,
    present.native_place,
    present.registered_division_code,
    present.registered_address,
    present.current_division_code,
    present.current_address,
    present.household_no,
    present.household_relation,
    present.marital_status,
    present.education_code,
    present.phone,
    present.moved_in_on,
    present.moved_out_on,
    present.cancelled_on,
    present.cancel_reason,
    coalesce(status.life_status, 'unknown') as life_status,
    coalesce(status.residence_status, 'unknown') as residence_status,
    status.death_date,
    present.valid_from,
    present.known_from
from present
left join status on present.person_id = status.person_id
