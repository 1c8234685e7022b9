-- Checks across extracts are judged by the department that can mend them, and say in a sentence what to do.

alter table quality.gate_result
    -- of checks across extracts and targets: sub-indicator of GB/T 36344
    add column dimension text,
    -- who can mend what failed
    add column department text,
    -- who, how many of how many, what to do
    add column finding text;

-- a home that is older: results have an owner from now on, and a check may have several
do $$
declare
    old_index regclass;
begin
    if to_regclass('quality.cross_check_run') is null then
        return;
    end if;
    alter table quality.cross_check_run
        -- empty: the owner that the check names
        add column department text not null default '',
        add column examples text;
    for old_index in
        select indexrelid::regclass from pg_index where indrelid = 'quality.cross_check_run'::regclass and indisunique
    loop
        execute format('drop index %s', old_index);
    end loop;
end
$$;

-- one row per indicator and delivered field that its models read
create table mart.indicator_field (
    indicator_id text not null,
    contract_id text not null,
    column_name text not null,
    primary key (contract_id, column_name, indicator_id)
);
comment on table mart.indicator_field is '各指标的模型读取哪些报送字段，由 dbt 的依赖关系得出；每次运行重写';
