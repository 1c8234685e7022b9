-- Control tables of intake, gates and runs. Everything below is created once; later changes are new files.

create schema if not exists raw;
create schema if not exists staging;
create schema if not exists quality;
create schema if not exists catalogue;
create schema if not exists legal_entity;
create schema if not exists mart;

-- one row per event that changes what is known: an application, a person's release or refusal
create table quality.event (
    seq bigint primary key,
    kind text not null check (kind in ('apply', 'release', 'refuse')),
    batch_id bigint not null,
    actor text not null,
    why text not null,
    happened_at timestamptz not null
);

-- one row per delivery
create table quality.batch (
    batch_id bigint generated always as identity primary key,
    department text,
    extract text,
    file_name text not null,
    sha256 text not null,
    as_of date,
    as_of_source text,
    received_at timestamptz not null,
    run_id text,
    contract_version text,
    mode text,
    scope jsonb,
    status text not null check (
        status in ('received', 'staged', 'accepted', 'accepted_with_issues', 'held', 'rejected', 'duplicate')
    ),
    summary text,
    header_match jsonb,
    rows_physical bigint,
    rows_header bigint,
    rows_skipped jsonb,
    rows_read bigint,
    rows_loaded bigint,
    rows_unchanged bigint,
    rows_duplicate bigint,
    rows_rejected bigint,
    rows_withdrawn bigint,
    score numeric(7, 6),
    target numeric(7, 6),
    applied_seq bigint unique references quality.event (seq),
    decided_at timestamptz
);
create index on quality.batch (department, extract, as_of);

-- one row per delivered file
create table quality.batch_file (
    batch_id bigint not null references quality.batch (batch_id),
    file_no integer not null,
    file_name text not null,
    sha256 text not null,
    size_bytes bigint not null,
    encoding text,
    part integer,
    parts integer,
    rows_physical bigint,
    primary key (batch_id, file_no)
);

-- one row per closing of a record version; append-only
create table quality.version_closing (
    table_name text not null,
    record_key uuid not null,
    version_batch_id bigint not null,
    closing_batch_id bigint not null,
    kind text not null check (kind in ('replaced', 'withdrawn')),
    as_of date not null,
    applied_seq bigint not null,
    closed_at timestamptz not null,
    primary key (table_name, record_key, version_batch_id, closing_batch_id)
);

-- one row per finding on a delivered cell or row
create table quality.issue (
    issue_id bigint generated always as identity primary key,
    batch_id bigint not null references quality.batch (batch_id),
    row_no bigint,
    column_name text,
    header text,
    rule text not null,
    dimension text not null,
    severity text not null,
    message text not null,
    value_masked text,
    suggestion_masked text
);
create index on quality.issue (batch_id, rule);

-- one row per batch and contract rule: passed of checked rows (A of B, GB/T 36344)
create table quality.check_result (
    batch_id bigint not null references quality.batch (batch_id),
    rule text not null,
    column_name text,
    dimension text not null,
    severity text not null,
    checked bigint not null,
    passed bigint not null,
    threshold numeric(7, 6) not null,
    message text not null,
    primary key (batch_id, rule)
);

-- one row per batch and quality dimension that was checked
create table quality.score (
    batch_id bigint not null references quality.batch (batch_id),
    dimension text not null,
    passed bigint not null,
    checked bigint not null,
    score numeric(7, 6) not null,
    primary key (batch_id, dimension)
);

-- one row per evaluated expectation of a batch suite or of a run's target suite
create table quality.gate_result (
    gate_result_id bigint generated always as identity primary key,
    run_id text,
    batch_id bigint references quality.batch (batch_id),
    suite text not null,
    expectation text not null,
    kind text not null check (kind in ('rule', 'guard', 'target')),
    severity text not null,
    success boolean not null,
    observed text,
    expected text,
    message text not null,
    evaluated_at timestamptz not null
);
create index on quality.gate_result (batch_id);
create index on quality.gate_result (run_id);

-- one row per step of a run, for people who watch it
create table quality.run_progress (
    run_id text not null,
    stage text not null check (stage in ('intake', 'warehouse', 'assess')),
    step text not null,
    state text not null check (state in ('running', 'done', 'held', 'failed')),
    done bigint not null default 0,
    total bigint,
    note text,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (run_id, stage, step)
);

-- one row per run that computed a mart
create table mart.run (
    run_id text primary key,
    as_of date not null,
    known_at bigint not null,
    rule_version text not null,
    parameters jsonb not null default '{}',
    project_version text not null,
    full_refresh boolean not null default false,
    started_at timestamptz not null,
    finished_at timestamptz,
    state text not null check (state in ('running', 'built', 'published', 'broken')),
    verdict text check (verdict in ('passed', 'target_missed'))
);
create unique index on mart.run (state) where state = 'running';

-- the run that models are being computed for: at most one row
create view mart.current_run as
select
    run_id,
    as_of,
    known_at,
    parameters
from mart.run
where state = 'running';

-- one row per as-of date: its latest published run
create view mart.latest_run as
select distinct on (as_of)
    as_of,
    run_id,
    known_at,
    verdict,
    finished_at
from mart.run
where state = 'published'
order by as_of, finished_at desc;
