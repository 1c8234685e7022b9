"""What stands for Citus where there is none: the function that distributes a table, with what the real one refuses.

Nothing is spread over nodes; only what the project asks of a cluster, and whether a cluster could do it, is seen.
"""

from __future__ import annotations

from connectors.database import Connection

_PRETENCE = """
create table pg_dist_partition (logicalrelid regclass primary key, distribution_column text not null);

create function unfit_for_a_cluster(relation regclass, key text) returns text
language sql stable
return (
    select string_agg(found.problem, '; ') from (
        select 'no column ' || key as problem
        where not exists (select from pg_attribute where attrelid = relation and attname = key)
        union all
        select 'cannot lie beside the others: ' || key || ' is ' || format_type(atttypid, atttypmod)
        from pg_attribute where attrelid = relation and attname = key and atttypid <> 'uuid'::regtype
        union all
        select 'unique without the key: ' || indexrelid::regclass::text
        from pg_index where indrelid = relation and indisunique and not exists (
            select from pg_attribute where attrelid = relation and attname = key and attnum = any(indkey::smallint[])
        )
        union all
        select 'foreign key ' || conname from pg_constraint where relation in (conrelid, confrelid) and contype = 'f'
        union all
        select 'trigger ' || tgname from pg_trigger where tgrelid = relation and not tgisinternal
    ) as found
);

create function create_distributed_table(relation regclass, distribution_column text) returns void
language plpgsql as $body$
declare
    problem text := unfit_for_a_cluster(relation, distribution_column);
begin
    if problem is not null then
        raise exception '% cannot be distributed: %', relation, problem;
    end if;
    insert into pg_dist_partition values (relation, distribution_column);
end
$body$;
"""


def pretend(connection: Connection) -> None:
    """Make the database look like the coordinator of a cluster; commits."""
    connection.execute(_PRETENCE.encode())
    connection.commit()


def distributed(connection: Connection) -> dict[str, str]:
    """Return the distribution column of every distributed table there is.

    Raises:
        AssertionError: a table got something since that a cluster refuses, as a unique index without the key.
    """
    rows = connection.execute(
        "select n.nspname || '.' || c.relname, d.distribution_column,"
        " unfit_for_a_cluster(d.logicalrelid, d.distribution_column)"
        " from pg_dist_partition as d join pg_class as c on c.oid = d.logicalrelid"
        " join pg_namespace as n on n.oid = c.relnamespace"
    ).fetchall()
    assert [(name, problem) for name, _, problem in rows if problem] == []
    return {name: key for name, key, _ in rows}
