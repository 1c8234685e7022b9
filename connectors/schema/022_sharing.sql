-- Who asked to be shared what, what was answered, and the schema in which it is shown.

create schema if not exists share;

-- one row per request of a department for another department's extract
create table catalogue.share_request (
    request_id bigint generated always as identity primary key,
    department text not null,
    contract_id text not null,
    columns text[] not null check (cardinality(columns) > 0),
    -- rows: column and the text it must equal, all of them
    condition jsonb not null default '{}',
    purpose text not null,
    valid_until date not null,
    -- ten working days after the request; null where the calendar does not reach
    due_on date,
    requested_at timestamptz not null,
    requested_by text not null
);

-- one row per answer to a request, in the order given
create table catalogue.share_decision (
    decision_id bigint generated always as identity primary key,
    request_id bigint not null references catalogue.share_request (request_id),
    decision text not null check (decision in ('approve', 'refuse', 'end')),
    why text not null,
    decided_by text not null,
    decided_at timestamptz not null
);
create index on catalogue.share_decision (request_id);

create trigger append_only before update or delete or truncate on catalogue.share_request
for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on catalogue.share_decision
for each statement execute function quality.refuse_change();

-- one row per request with its state today
create view catalogue.share as
select
    request.request_id,
    request.department,
    request.contract_id,
    request.columns,
    request.condition,
    request.purpose,
    request.valid_until,
    request.due_on,
    request.requested_at,
    request.requested_by,
    latest.why,
    latest.decided_by,
    latest.decided_at,
    case
        when latest.decision = 'refuse' then '已拒绝'
        when latest.decision = 'end' then '已终止'
        when request.valid_until < (now() at time zone 'Asia/Shanghai')::date then '已到期'
        when latest.decision = 'approve' then '共享中'
        when request.due_on < (now() at time zone 'Asia/Shanghai')::date then '超期未答复'
        else '待答复'
    end as state
from catalogue.share_request as request
left join lateral (
    select decision.*
    from catalogue.share_decision as decision
    where decision.request_id = request.request_id
    order by decision.decision_id desc
    limit 1
) as latest on true;

comment on table catalogue.share_request is '共享申请：每次一行，只增不改';
comment on table catalogue.share_decision is '对共享申请的答复：每次一行，只增不改';
comment on view catalogue.share is '共享申请及其现状';

select quality.chain_table('catalogue.share_request', 'request_id',
    'department,contract_id,columns,condition,purpose,valid_until,due_on,requested_at,requested_by');
select quality.chain_table('catalogue.share_decision', 'decision_id',
    'request_id,decision,why,decided_by,decided_at', 'decision');
