-- What the contracts say, for those who read the warehouse without the checkout.

-- one row per contract
create table catalogue.contract (
    contract_id text primary key,
    department text not null,
    title text not null,
    description text not null,
    cycle text not null,
    mode text not null,
    sharing_type text not null,
    sharing_condition text,
    is_open boolean not null,
    open_category text,
    level_max text not null,
    version text not null,
    published_at timestamptz not null default clock_timestamp()
);

-- one row per contract and stored field
create table catalogue.contract_item (
    contract_id text not null,
    item_name text not null,
    item_no smallint not null,
    header text not null,
    item_type text not null,
    unit text,
    level text not null,
    is_key boolean not null,
    is_required boolean not null,
    primary key (contract_id, item_name)
);
create index on catalogue.contract (department);
comment on table catalogue.contract is '数据契约：每个部门数据集一行';
comment on table catalogue.contract_item is '数据契约的存储字段：每个契约每个字段一行';
comment on column catalogue.contract.level_max is '各字段中最高的保护级别（L1 公开 … L4 敏感）';
comment on column catalogue.contract.version is '生效契约的 SHA-256 前 16 位';
