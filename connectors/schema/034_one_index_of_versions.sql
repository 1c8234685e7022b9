-- of a record one version is open, and of one delivery one is closed: one unique index says what two said
do $$
declare
    made record;
begin
    for made in
        select c.relname as table_name, left(i.relname, -length('open')) as beginning
        from pg_index as x
        inner join pg_class as i on i.oid = x.indexrelid
        inner join pg_class as c on c.oid = x.indrelid
        where c.relnamespace = 'raw'::regnamespace and i.relname like '%\_open'
    loop
        execute format(
            'create unique index %I on raw.%I'
            ' (_record_key, (case when _closed_batch_id is null then 0 else _batch_id end))',
            made.beginning || 'version_once', made.table_name
        );
        execute format('drop index raw.%I, raw.%I', made.beginning || 'open', made.beginning || 'version');
    end loop;
end
$$;
