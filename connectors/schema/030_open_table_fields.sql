-- What the open tables of counts rest on, so that an objection names them (ADR 34).

-- one row per open table of counts and delivered field that its counts rest on
create table catalogue.open_table_field (
    dataset_id text not null,
    contract_id text not null,
    column_name text not null,
    primary key (contract_id, column_name, dataset_id)
);
comment on table catalogue.open_table_field is '各开放统计表的计数用到哪些报送字段，由声明和 dbt 的依赖关系得出；每次运行重写';
