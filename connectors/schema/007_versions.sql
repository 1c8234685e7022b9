-- What full deliveries leave unsaid, and what the warehouse knows of the contracts it was made by.

-- one row per record and full delivery that is silent about it: a row that may be the record's was rejected
create table quality.silent_key (
    table_name text not null,
    record_key uuid not null,
    batch_id bigint not null references quality.batch (batch_id),
    primary key (table_name, record_key, batch_id)
);

-- the contract as published, and what its raw table was made by
alter table catalogue.contract add column definition jsonb;

-- one row per code list of the published contracts
create table catalogue.code_list (
    list_name text primary key,
    title text not null,
    words jsonb not null
);

-- one row per raw table: the contract version it was last made to match, and the columns its record keys are made of
create table catalogue.raw_table (
    contract_id text primary key,
    version text not null,
    key_columns text[] not null,
    fallback_key text[] not null,
    -- columns that the keys of mentions are made of, where several records are one mention
    grain text[] not null default '{}'
);

comment on table quality.silent_key is '全量报送中因对应行未采用而未作表述的记录：保持原内容';
comment on table catalogue.code_list is '契约所用代码表：每表一行';
comment on table catalogue.raw_table is '原始表：按哪一版契约建立，记录键由哪些列构成';
