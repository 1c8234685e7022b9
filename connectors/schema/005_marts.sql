-- Where the figures of a run came from; filled after the models, from their lineage.

-- one row per run, indicator, extract and delivery of it that the run could use
create table mart.indicator_source_run (
    run_id text not null,
    indicator_id text not null,
    contract_id text not null,
    batch_id bigint not null,
    file_name text not null,
    sha256 text not null,
    rows_in_force bigint not null,
    primary key (run_id, indicator_id, contract_id, batch_id)
);

comment on table mart.indicator_source_run is '每次运行中，各指标用到的数据及其批次、文件和有效行数';
