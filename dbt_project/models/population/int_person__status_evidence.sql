-- one row per person and statement about life or residence, with the business dates it held for
{{
    config(
        materialized="incremental",
        meta={"distribution_key": "person_id"},
        incremental_strategy="append",
        pre_hook=["{{ library_memory() }}", "{{ remove_changed('person') }}"],
        post_hook=["{{ analyze_whole() }}", "{{ remember_watermark() }}"],
        indexes=[{"columns": ["person_id"]}],
    )
}}
{%- set persons = changed_ids("person") if is_incremental() else none %}
{%- set never = "date 'infinity'" %}
{%- set household = "public_security__household_population" %}
{%- set place -%}
record.in_force_from,
        record.in_force_to,
        record._batch_id,
        record._row_no,
        record._as_of
{%- endset %}

with

-- only what is read below: these are read more than once, and so kept
households as (
    select
        record.person_id,
        record.moved_in_on,
        record.moved_out_on,
        record.cancelled_on,
        coalesce(record.cancel_reason ~ '{{ death_words() }}', false) as is_death,
        record._issues @> '[{"rule": "birth_before_cancelled"}]' as is_before_birth,
        {{ place }}
    from {{ person_versions(household, persons=persons) }} as record
),

permits as (
    select
        record.person_id,
        record.registered_on,
        record.expires_on,
        {{ place }}
    from {{ person_versions("public_security__residence_permit", persons=persons) }} as record
),

-- where people are insured or go to school counts only if the household register never listed them
students as (
    select
        record.person_id,
        record.status,
        {{ place }}
    from {{ person_versions("education__student", persons=persons) }} as record
),

insured as (
    select
        record.person_id,
        record.status,
        {{ place }}
    from {{ person_versions("medical_security__insured", persons=persons) }} as record
),

births as (
    select
        record.person_id,
        (record.born_at at time zone 'Asia/Shanghai')::date as born_on,
        {{ place }}
    from {{ person_versions("health__birth_certificate", persons=persons) }} as record
),

certificates as (
    select
        record.person_id,
        (record.died_at at time zone 'Asia/Shanghai')::date as died_on,
        record._issues @> '[{"rule": "born_before_died"}]' as is_before_birth,
        {{ place }}
    from {{ person_versions("health__death_certificate", persons=persons) }} as record
),

cremations as (
    select
        record.person_id,
        record.cremated_on,
        record._issues @> '[{"rule": "born_before_cremated"}]' as is_before_birth,
        {{ place }}
    from {{ person_versions("civil_affairs__cremation", persons=persons) }} as record
),

listed as (
    select link.person_id
    from {{ source("linkage", "person_link") }} as link
    where
        link.source_id = {{ source_id(household, "person") }}
        {%- if is_incremental() %}
        and link.person_id in {{ persons }}
        {%- endif %}
),

stated as (
    select
        person_id,
        'death_certificate' as evidence_code,
        'health__death_certificate' as contract_id,
        died_on as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        is_before_birth or died_on > _as_of as is_impossible
    from certificates
    union all
    select
        person_id,
        'cremation' as evidence_code,
        'civil_affairs__cremation' as contract_id,
        cremated_on as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        is_before_birth or cremated_on > _as_of as is_impossible
    from cremations
    union all
    select
        person_id,
        case
            when is_death then 'household_cancelled_death' else 'household_cancelled'
        end as evidence_code,
        '{{ household }}' as contract_id,
        cancelled_on as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        is_before_birth or cancelled_on > _as_of as is_impossible
    from households
    where cancelled_on is not null
    union all
    select
        person_id,
        'household_moved_out' as evidence_code,
        '{{ household }}' as contract_id,
        moved_out_on as event_on,
        greatest(in_force_from, moved_out_on) as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from households
    where cancelled_on is null and moved_out_on is not null
    union all
    select
        person_id,
        'household_registered' as evidence_code,
        '{{ household }}' as contract_id,
        moved_in_on as event_on,
        in_force_from as valid_from,
        least(in_force_to, coalesce(moved_out_on, {{ never }})) as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from households
    where cancelled_on is null
    union all
    select
        person_id,
        'permit_valid' as evidence_code,
        'public_security__residence_permit' as contract_id,
        registered_on as event_on,
        greatest(in_force_from, registered_on) as valid_from,
        least(in_force_to, coalesce(expires_on + 1, {{ never }})) as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from permits
    union all
    select
        person_id,
        'permit_expired' as evidence_code,
        'public_security__residence_permit' as contract_id,
        expires_on as event_on,
        greatest(in_force_from, expires_on + 1) as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from permits
    where expires_on is not null
    union all
    select
        person_id,
        'insured_here' as evidence_code,
        'medical_security__insured' as contract_id,
        null::date as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from insured
    where
        coalesce(status, '正常参保') = '正常参保'
        and not exists (
            select 1
            from listed
            where listed.person_id = insured.person_id
        )
    union all
    select
        person_id,
        'student_here' as evidence_code,
        'education__student' as contract_id,
        null::date as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from students
    where
        status in ('在读', '借读')
        and not exists (
            select 1
            from listed
            where listed.person_id = students.person_id
        )
    union all
    select
        person_id,
        'student_deceased' as evidence_code,
        'education__student' as contract_id,
        null::date as event_on,
        in_force_from as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from students
    where status = '死亡'
    union all
    select
        person_id,
        'born_here' as evidence_code,
        'health__birth_certificate' as contract_id,
        born_on as event_on,
        in_force_from as valid_from,
        least(in_force_to, (born_on + interval '1 year')::date) as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from births
    where
        not exists (
            select 1
            from listed
            where listed.person_id = births.person_id
        )
    union all
    select
        person_id,
        'birth_certificate' as evidence_code,
        'health__birth_certificate' as contract_id,
        born_on as event_on,
        greatest(in_force_from, (born_on + interval '1 year')::date) as valid_from,
        in_force_to as valid_to,
        _batch_id as batch_id,
        _row_no as row_no,
        false as is_impossible
    from births
    where
        not exists (
            select 1
            from listed
            where listed.person_id = births.person_id
        )
),

deaths as (
    select distinct stated.person_id
    from stated
    where stated.evidence_code in ('death_certificate', 'cremation', 'household_cancelled_death')
),

-- the date of birth of those whose death is stated: by a usable number, else as a record says
born as (
    select distinct on (numbered.person_id)
        numbered.person_id,
        coalesce(numbered.born_on, numbered.birth_date) as born_on
    from (
        select
            link.person_id,
            link.source_id,
            link.mention_key,
            mention.birth_date,
            case
                when mention.is_id_usable and mention.id_no ~ '^[0-9]{17}[0-9X]$'
                    then to_date(substr(mention.id_no, 7, 8), 'YYYYMMDD')
            end as born_on
        from deaths
        inner join {{ source("linkage", "person_link") }} as link
            on deaths.person_id = link.person_id
        inner join {{ source("linkage", "person_mention") }} as mention
            on link.source_id = mention.source_id and link.mention_key = mention.mention_key
    ) as numbered
    where coalesce(numbered.born_on, numbered.birth_date) is not null
    order by
        numbered.person_id asc,
        (numbered.born_on is null) asc,
        numbered.source_id asc,
        numbered.mention_key asc
),

final as (
    select
        stated.person_id,
        case
            when
                evidence.life_status = 'deceased'
                and (stated.is_impossible or coalesce(stated.event_on < born.born_on, false))
                then 'death_evidence_ignored'
            else stated.evidence_code
        end as evidence_code,
        stated.contract_id,
        stated.event_on,
        stated.valid_from,
        nullif(stated.valid_to, {{ never }}) as valid_to,
        stated.batch_id,
        stated.row_no
    from stated
    inner join {{ ref("status_evidence") }} as evidence
        on stated.evidence_code = evidence.evidence_code
    left join born on stated.person_id = born.person_id
    where stated.valid_from < stated.valid_to
)

select * from final
