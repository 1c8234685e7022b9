-- Objections (异议) to records, decisions about them, and which delivery mended what they say (ADR 34).

create schema if not exists objection;

-- one row per objection: against which row of which delivery, as it was taken into raw
create table quality.objection_raised (
    objection_id bigint generated always as identity primary key,
    -- who delivers the data
    department text not null,
    contract_id text not null,
    batch_id bigint not null,
    row_no bigint not null,
    -- null: the record as a whole
    column_name text,
    -- where it was seen: base library and its field; null where it was seen in the delivery itself
    library text,
    library_field text,
    -- the department that raised it; null where it was another user
    raised_for text,
    value_masked text,
    should_be_masked text,
    -- keyed hash of what it should be: the chain vouches for the value without holding it
    should_be_hash text,
    why text not null,
    -- null where the calendar does not reach
    due_on date,
    raised_at timestamptz not null,
    raised_by text not null
);
create index on quality.objection_raised (contract_id, batch_id, row_no);

-- one row per decision on an objection, in the order made
create table quality.objection_decision (
    decision_id bigint generated always as identity primary key,
    objection_id bigint not null references quality.objection_raised (objection_id),
    decision text not null check (decision in ('upheld', 'refused', 'referred')),
    -- who is to answer from now on
    refer_to text check ((refer_to is not null) = (decision = 'referred')),
    why text not null,
    due_on date,
    decided_at timestamptz not null,
    decided_by text not null
);
create index on quality.objection_decision (objection_id);

-- one row per delivery that changed whether an upheld objection still stands
create table quality.objection_observation (
    observation_id bigint generated always as identity primary key,
    objection_id bigint not null references quality.objection_raised (objection_id),
    batch_id bigint not null,
    -- the value objected to is gone
    is_mended boolean not null,
    -- what stands now is what the objection says; null where it says nothing, or nothing stands
    is_as_stated boolean,
    observed_at timestamptz not null
);
create index on quality.objection_observation (objection_id);

-- one row per objection that says what it should be, in plain; goes when the person is erased
create table objection.stated (
    objection_id bigint primary key references quality.objection_raised (objection_id),
    should_be text not null
);

-- masked values go when a person is erased
create trigger append_only before update of
    objection_id, department, contract_id, batch_id, row_no, column_name, library, library_field, raised_for,
    should_be_hash, why, due_on, raised_at, raised_by
or delete or truncate on quality.objection_raised for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on quality.objection_decision
for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on quality.objection_observation
for each statement execute function quality.refuse_change();

-- one row per objection with its state today; departments see those that they deliver, raised or are to answer
create view quality.objection with (security_barrier) as
select
    raised.objection_id,
    raised.department,
    coalesce(decided.handler, raised.department) as handler,
    raised.raised_for,
    raised.contract_id,
    raised.batch_id,
    raised.row_no,
    raised.column_name,
    raised.library,
    raised.library_field,
    raised.value_masked,
    raised.should_be_masked,
    raised.why,
    raised.raised_at,
    raised.raised_by,
    coalesce(decided.due_on, raised.due_on) as due_on,
    decided.decision,
    decided.refer_to,
    decided.why as decision_why,
    decided.decided_at,
    decided.decided_by,
    case when observed.is_mended then observed.batch_id end as mended_batch_id,
    case when observed.is_mended then observed.is_as_stated end as is_as_stated,
    case when observed.is_mended then observed.observed_at end as mended_at,
    case
        when decided.decision = 'refused' then '不予支持'
        when decided.decision = 'upheld' and observed.is_mended then '已更正'
        when decided.decision = 'upheld' and observed.objection_id is not null then '再次出现'
        when decided.decision = 'upheld' then '待更正'
        when coalesce(decided.due_on, raised.due_on) < (now() at time zone 'Asia/Shanghai')::date then '超期未处理'
        when decided.decision = 'referred' then '已转办'
        else '待处理'
    end as state
from quality.objection_raised as raised
left join lateral (
    select
        decision.*,
        (
            select referred.refer_to
            from quality.objection_decision as referred
            where referred.objection_id = raised.objection_id and referred.decision = 'referred'
            order by referred.decision_id desc
            limit 1
        ) as handler
    from quality.objection_decision as decision
    where decision.objection_id = raised.objection_id
    order by decision.decision_id desc
    limit 1
) as decided on true
left join lateral (
    select observation.*
    from quality.objection_observation as observation
    where observation.objection_id = raised.objection_id
    order by observation.observation_id desc
    limit 1
) as observed on true
where
    quality.is_no_department()
    or quality.is_department(raised.department)
    or quality.is_department(raised.raised_for)
    or quality.is_department(decided.handler);

-- one row per objection with what it should be in plain, for who delivers the record, and who raised or answers it
create view objection.statement with (security_barrier) as
select
    told.objection_id,
    told.department,
    told.contract_id,
    told.batch_id,
    told.row_no,
    told.column_name,
    stated.should_be
from quality.objection as told
inner join objection.stated as stated on told.objection_id = stated.objection_id
where
    (
        quality.is_department(told.department)
        or quality.is_department(told.raised_for)
        or quality.is_department(told.handler)
    )
    and (select quality.note_read('objection.statement'));

comment on table quality.objection_raised is '对记录的异议：每次一行，只增不改；所述值另存';
comment on table quality.objection_decision is '对异议的处理：每次一行，只增不改';
comment on table quality.objection_observation is '哪次报送更正了成立的异议，或使原值再次出现：每次一行，只增不改';
comment on table objection.stated is '异议所述的正确值（明文）：只有拥有者可读';
comment on view quality.objection is '异议及其现状，值已脱敏；部门只见与己有关的';
comment on view objection.statement is '异议所述的正确值（明文）：报送、提出和处理的部门可读，读取留痕';

select quality.chain_table('quality.objection_raised', 'objection_id',
    'department,contract_id,batch_id,row_no,column_name,library,library_field,raised_for,should_be_hash,why,due_on,raised_at,raised_by');
select quality.chain_table('quality.objection_decision', 'decision_id',
    'objection_id,decision,refer_to,why,due_on,decided_at,decided_by', 'decision');
select quality.chain_table('quality.objection_observation', 'observation_id',
    'objection_id,batch_id,is_mended,is_as_stated,observed_at');
