-- The hash chain over the account: who brought, decided, granted, erased and published what (ADR 27).

-- one row per insert statement into quality.version_closing, pair of deliveries, kind and date: how many it closed
create table quality.closing_total (
    closing_total_id bigint generated always as identity primary key,
    applied_seq bigint not null references quality.event (seq),
    version_batch_id bigint not null,
    closing_batch_id bigint not null,
    kind text not null,
    as_of date not null,
    records bigint not null
);

-- of the published figures: connectors/chain/scorecard.py
alter table mart.run add column scorecard_sha256 text;

-- one row per link: what was recorded of one row of another table, bound to the link before it
create table quality.chain_entry (
    seq bigint primary key,
    recorded_at timestamptz not null,
    transaction_id text not null,
    relation text not null,
    -- its key, as a JSON array of texts
    record text not null,
    -- the row's state or kind, else insert, update or delete
    action text not null,
    -- why a row that never changes was changed: erasure
    cause text,
    -- the columns that the digest covers, in this order
    fields text[] not null,
    -- SHA-256 of their values as texts, in a JSON array
    digest text not null,
    previous_hash text not null,
    -- SHA-256 of everything above, in a JSON array
    hash text not null unique
);
create index on quality.chain_entry (relation, record);

create trigger append_only before update or delete or truncate on quality.chain_entry
for each statement execute function quality.refuse_change();

create function quality.sha256_of(variadic parts text[]) returns text
language sql immutable parallel safe
set search_path = pg_catalog
return encode(sha256(convert_to(array_to_json(parts)::text, 'UTF8')), 'hex');

-- the named columns of a row as texts that depend on no session setting, given UTC
create function quality.texts_of(content jsonb, columns text[]) returns text[]
language sql immutable parallel safe
set search_path = pg_catalog
begin atomic
select coalesce(array_agg(content ->> name order by place), '{}')
from unnest(columns) with ordinality as wanted (name, place);
end;

-- adds a link; whoever else adds one waits until this transaction ends, so that it is called at its end
create function quality.chain_append(
    relation text, record text, action text, cause text, fields text[], digest text
) returns void
language plpgsql security definer
set search_path = pg_catalog
set timezone = 'UTC'
as $body$
declare
    moment timestamptz := clock_timestamp();
    number bigint;
    before text;
begin
    perform pg_advisory_xact_lock(371000008);
    select e.seq, e.hash into number, before from quality.chain_entry as e order by e.seq desc limit 1;
    number := coalesce(number, 0) + 1;
    before := coalesce(before, repeat('0', 64));
    insert into quality.chain_entry values (
        number, moment, pg_current_xact_id()::text, relation, record, action, cause, fields, digest, before,
        quality.sha256_of(
            number::text, to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), pg_current_xact_id()::text, relation,
            record, action, cause, array_to_json(fields)::text, digest, before
        )
    );
end
$body$;

-- records a row: arguments are its key columns, the columns to cover, and the column that says what happened (or '')
create function quality.chain_record() returns trigger
language plpgsql security definer
set search_path = pg_catalog
set timezone = 'UTC'
as $body$
declare
    content jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
    fields text[] := case when tg_op = 'DELETE' then '{}' else string_to_array(tg_argv[1], ',') end;
begin
    perform quality.chain_append(
        tg_table_schema || '.' || tg_table_name,
        array_to_json(quality.texts_of(content, string_to_array(tg_argv[0], ',')))::text,
        case when tg_op = 'DELETE' then 'delete' else coalesce(content ->> nullif(tg_argv[2], ''), lower(tg_op)) end,
        nullif(current_setting('weihai.cause', true), ''),
        fields,
        quality.sha256_of(variadic quality.texts_of(content, fields))
    );
    return null;
end
$body$;

create function quality.total_closings() returns trigger
language plpgsql
as $body$
begin
    insert into quality.closing_total (applied_seq, version_batch_id, closing_batch_id, kind, as_of, records)
    select applied_seq, version_batch_id, closing_batch_id, kind, as_of, count(*)
    from closed where kind <> 'erased' group by 1, 2, 3, 4, 5;
    return null;
end
$body$;

-- what a home holds that is older than the chain is taken over as it stands
insert into quality.closing_total (applied_seq, version_batch_id, closing_batch_id, kind, as_of, records)
select applied_seq, version_batch_id, closing_batch_id, kind, as_of, count(*)
from quality.version_closing
where kind <> 'erased'
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5;

create trigger total_closings after insert on quality.version_closing
referencing new table as closed
for each statement execute function quality.total_closings();

-- makes the rows of a table links of the chain: those there are now, and every one to come
create function quality.chain_table(relation regclass, keys text, fields text, action text default '') returns void
language plpgsql
set timezone = 'UTC'
as $body$
declare
    content jsonb;
    name text := relation::text;
begin
    for content in execute format('select to_jsonb(t) from %s as t order by %s', relation, keys) loop
        perform quality.chain_append(
            name, array_to_json(quality.texts_of(content, string_to_array(keys, ',')))::text,
            coalesce(content ->> nullif(action, ''), 'insert'), null, string_to_array(fields, ','),
            quality.sha256_of(variadic quality.texts_of(content, string_to_array(fields, ',')))
        );
    end loop;
    execute format(
        'create constraint trigger chained after insert on %s deferrable initially deferred'
        ' for each row execute function quality.chain_record(%L, %L, %L)', relation, keys, fields, action
    );
    execute format(
        'create constraint trigger chained_restated after update on %s deferrable initially deferred'
        ' for each row when (current_setting(''weihai.cause'', true) <> '''')'
        ' execute function quality.chain_record(%L, %L, %L)', relation, keys, fields, action
    );
end
$body$;

select quality.chain_table('catalogue.contract', 'contract_id',
    'department,title,description,cycle,mode,sharing_type,sharing_condition,is_open,open_category,level_max,version,definition');
create constraint trigger chained_withdrawal after delete on catalogue.contract deferrable initially deferred
for each row execute function quality.chain_record('contract_id', '', '');

select quality.chain_table('quality.batch', 'batch_id', 'sha256,received_at', 'status');
select quality.chain_table('quality.batch_file', 'batch_id,file_no', 'sha256,size_bytes,part,parts');
select quality.chain_table('quality.event', 'seq', 'kind,batch_id,actor,why,happened_at', 'kind');
select quality.chain_table('quality.closing_total', 'closing_total_id',
    'applied_seq,version_batch_id,closing_batch_id,kind,as_of,records', 'kind');
select quality.chain_table('quality.access_grant', 'grant_id',
    'happened_at,action,role_name,relation,is_personal,reason', 'action');
select quality.chain_table('quality.key_rotation', 'rotation_id',
    'rotated_at,old_fingerprint,new_fingerprint,record_keys,actor');
select quality.chain_table('quality.erasure', 'erasure_id', 'erased_at,actor,reason,tables,files');
select quality.chain_table('quality.erased_row', 'erasure_id,batch_id', 'rows_erased');
select quality.chain_table('quality.redacted_file', 'old_sha256', 'new_sha256,erasure_id');

set local timezone = 'UTC';

-- a delivery's decision and a run's publication are updates that belong to their lives
select quality.chain_append(
    'quality.batch', array_to_json(array[batch_id::text])::text, status, null, covered.fields,
    quality.sha256_of(variadic quality.texts_of(to_jsonb(batch), covered.fields))
)
from quality.batch as batch
cross join (select string_to_array(
    'department,extract,sha256,as_of,contract_version,mode,status,rows_physical,rows_header,rows_skipped,rows_read,'
    || 'rows_loaded,rows_unchanged,rows_duplicate,rows_rejected,rows_withdrawn,score,target,applied_seq', ','
) as fields) as covered
where batch.status not in ('received', 'staged')
order by batch_id;

select quality.chain_append(
    'mart.run', array_to_json(array[run_id])::text, state, null, covered.fields,
    quality.sha256_of(variadic quality.texts_of(to_jsonb(run), covered.fields))
)
from mart.run as run
cross join (select string_to_array(
    'as_of,known_at,rule_version,parameters,project_version,full_refresh,started_at,finished_at,verdict,'
    || 'scorecard_sha256', ','
) as fields) as covered
where run.state = 'published'
order by finished_at, run_id;

create constraint trigger chained_decision after update on quality.batch deferrable initially deferred
for each row when (old.status is distinct from new.status and new.status not in ('received', 'staged'))
execute function quality.chain_record(
    'batch_id',
    'department,extract,sha256,as_of,contract_version,mode,status,rows_physical,rows_header,rows_skipped,rows_read,rows_loaded,rows_unchanged,rows_duplicate,rows_rejected,rows_withdrawn,score,target,applied_seq',
    'status'
);

create constraint trigger chained_publication after update on mart.run deferrable initially deferred
for each row when (old.state is distinct from new.state and 'published' in (old.state, new.state))
execute function quality.chain_record(
    'run_id', 'as_of,known_at,rule_version,parameters,project_version,full_refresh,started_at,finished_at,verdict,scorecard_sha256',
    'state'
);

comment on table quality.chain_entry is '台账哈希链：每个环节一行，只增不改；用 weihai verify 核验';
comment on table quality.closing_total is '版本关闭合计：每次入库各批次之间关闭的记录数';

revoke update, delete, truncate on quality.chain_entry from current_user;
