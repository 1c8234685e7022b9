-- What was erased on a person's right to it (PIPL art. 47); nothing here tells whose data it was.

-- one row per erasure
create table quality.erasure (
    erasure_id bigint generated always as identity primary key,
    erased_at timestamptz not null default clock_timestamp(),
    actor text not null,
    reason text not null,
    -- rows overwritten or removed by table, files by folder
    tables jsonb not null,
    files jsonb not null
);

-- one row per erasure and delivery: how many of its rows in raw were overwritten; they are still counted as loaded
create table quality.erased_row (
    erasure_id bigint not null references quality.erasure (erasure_id),
    batch_id bigint not null references quality.batch (batch_id),
    rows_erased bigint not null,
    primary key (erasure_id, batch_id)
);

-- one row per archived file that was written again without a person's rows; the delivery keeps the old hash
create table quality.redacted_file (
    old_sha256 text primary key,
    new_sha256 text not null,
    erasure_id bigint not null references quality.erasure (erasure_id)
);

alter table quality.version_closing drop constraint version_closing_kind_check;
alter table quality.version_closing add constraint version_closing_kind_check
check (kind in ('replaced', 'withdrawn', 'erased'));

comment on table quality.erasure is '依法删除个人信息：每次一行，不含所删的值';
comment on table quality.erased_row is '依法删除：涉及的报送及其被覆写的行数';
comment on table quality.redacted_file is '归档文件去除个人信息后的新哈希：旧哈希 → 新哈希';
