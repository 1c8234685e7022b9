-- The source rows behind operands, and what one more unit of an operand costs.

-- one row per run, operand, delivery and reason: how many source rows counted (no reason) or did not, the first of them
create table mart.operand_row_run (
    run_id text not null,
    indicator_id text not null,
    operand text not null,
    contract_id text not null,
    batch_id bigint not null,
    exclusion text not null,
    row_count bigint not null,
    first_row_nos bigint[] not null,
    primary key (run_id, indicator_id, operand, contract_id, batch_id, exclusion)
);

-- one row per operand for which a cost was given: what one more unit of it takes
create table mart.unit_cost (
    indicator_id text not null,
    operand text not null,
    cost_cny numeric not null check (cost_cny >= 0),
    source text not null,
    primary key (indicator_id, operand)
);

comment on table mart.operand_row_run is '每次运行中，各操作数看到的原始行：按批次和未计入的原因（空为计入）列行数与前几行的行号';
comment on table mart.unit_cost is '操作数每增加一个单位的费用（元），由用户提供；没有的按相对差距排序';
