-- What makes a published scorecard comparable, repeatable and questionable.

-- the run that models are computed for: the one that a session tries (weihai.trial: its columns as JSON), else the
-- one that is being built; at most one row
create or replace view mart.current_run as
select
    run_id,
    as_of,
    known_at,
    parameters
from mart.run
where
    state = 'running'
    and coalesce(current_setting('weihai.trial', true), '') = ''
union all
select
    trial.run_id,
    trial.as_of,
    trial.known_at,
    trial.parameters
from jsonb_to_record(nullif(current_setting('weihai.trial', true), '')::jsonb)
    as trial (run_id text, as_of date, known_at bigint, parameters jsonb)
where trial.run_id is not null;

-- one row per run whose scorecard was exported: its canonical CSV, without run id and clock
create table mart.run_export (
    run_id text primary key references mart.run (run_id),
    content text not null,
    sha256 text not null
);

-- one row per content that a rule file ever had
create table mart.rule_content (
    sha256 text primary key,
    content text not null
);

-- one row per rule version that a run was computed by and file of it
create table mart.rule_file (
    rule_version text not null,
    path text not null,
    sha256 text not null references mart.rule_content (sha256),
    primary key (rule_version, path)
);

-- one row per run, reading that it did not use and indicator that rests on it: what the star would be
create table mart.reading_run (
    run_id text not null,
    parameter text not null,
    reading text not null,
    indicator_id text not null,
    value_text text,
    star smallint,
    reason text,
    primary key (run_id, parameter, reading, indicator_id)
);

comment on table mart.run_export is '每次运行的评分表规范导出（CSV，不含运行编号和时刻）及其 SHA-256';
comment on table mart.rule_content is '规则文件的每一版内容';
comment on table mart.rule_file is '每个规则版本由哪些文件组成：重算当时结果时取用';
comment on table mart.reading_run is '每次运行中，口径参数取其他值时各相关指标的值和星级';
