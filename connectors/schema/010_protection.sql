-- Who may read what, who was allowed to, and who read personal data.

-- one row per column whose protection level is known: contracts' fields and models' columns
create table catalogue.column_level (
    schema_name text not null,
    table_name text not null,
    column_name text not null,
    level text not null check (level in ('L1', 'L2', 'L3', 'L4')),
    primary key (schema_name, table_name, column_name)
);

-- one row per grant or revocation of reading, as it happened
create table quality.access_grant (
    grant_id bigint generated always as identity primary key,
    happened_at timestamptz not null default clock_timestamp(),
    action text not null check (action in ('grant', 'revoke')),
    role_name text not null,
    relation text not null,
    -- it has columns of L3 or L4 that are not masked
    is_personal boolean not null,
    -- the rule of connectors/protection/roles.py, or the approved request
    reason text not null
);

-- one row per reading of plain L3 or L4 columns by a person; never a value
create table quality.access_log (
    access_id bigint generated always as identity primary key,
    happened_at timestamptz not null default clock_timestamp(),
    -- of the machine, as far as it is known
    os_user text,
    role_name text not null,
    -- weihai sql, weihai explain …, or the program that was connected to the server itself
    program text not null,
    -- the statement without its literals
    statement text,
    tables text[] not null,
    -- those of L3 and L4 that it reads
    columns text[],
    row_count bigint,
    purpose text
);
create index on quality.access_log (happened_at);

-- one row per server log that reads were taken from, and how far
create table quality.access_log_position (
    -- SHA-256 of the file's first line: it stays the same file when it is renamed
    log_head text primary key,
    bytes_read bigint not null
);

create function quality.refuse_change() returns trigger
language plpgsql as $body$
begin
    raise exception '% is append-only', tg_table_name;
end
$body$;

create trigger append_only before update or delete or truncate on quality.access_log
for each statement execute function quality.refuse_change();
create trigger append_only before update or delete or truncate on quality.access_grant
for each statement execute function quality.refuse_change();

-- whether the reader is the role of a department, or a member of it
create function quality.is_department(department text) returns boolean
language sql stable
return exists (
    select from pg_catalog.pg_roles as role
    where role.rolname = 'department_' || is_department.department and pg_catalog.pg_has_role(role.oid, 'usage')
);

-- whether the reader may see the rows of all departments: everybody who is granted the table but is no department
create function quality.is_no_department() returns boolean
language sql stable
return not exists (
    select from pg_catalog.pg_roles as role
    where role.rolname ^@ 'department_' and pg_catalog.pg_has_role(role.oid, 'usage')
);

-- notes a read of personal data in the server's log: a line there outlives a rollback and needs no write access
create function quality.note_read(relation text) returns boolean
language plpgsql volatile as $body$
begin
    raise log 'weihai.read relation=% role=% session=%', relation, current_user, session_user;
    return true;
end
$body$;

comment on table catalogue.column_level is '已声明的列保护级别：契约字段与模型列';
comment on table quality.access_grant is '读取授权与收回：每次一行，只增不改';
comment on table quality.access_log is '人员读取 L3、L4 明文：每次一行，不含值，只增不改';
comment on table quality.access_log_position is '数据库日志中的读取记录已取到哪里';
