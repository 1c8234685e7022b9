"""Making the database's grants what `roles` declares: differences only, each of them recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from connectors.database import Connection
from connectors.protection.roles import (
    ANALYST,
    AUDITOR,
    DEPARTMENT_PREFIX,
    NOTING_SCHEMAS,
    PUBLIC,
    ROW_FILTERED,
    RULES,
    Grant,
    Relation,
    Rule,
    department_role,
    desired_grants,
)

_LOCK = 371_000_007

_RELATIONS = """
select
    n.nspname, c.relname, c.relkind = 'v',
    jsonb_object_agg(a.attname, l.level)
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join catalogue.column_level as l
    on l.schema_name = n.nspname and l.table_name = c.relname and l.column_name = a.attname
where
    c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and pg_has_role(c.relowner, 'usage')
group by 1, 2, 3
order by 1, 2
"""

_GRANTED = """
select pg_get_userbyid(g.grantee), n.nspname, c.relname, g.privilege_type
from pg_class as c
inner join pg_namespace as n on n.oid = c.relnamespace
cross join lateral aclexplode(c.relacl) as g
where c.relkind in ('r', 'p', 'v', 'm') and pg_get_userbyid(g.grantee) = any(%(roles)s)
"""


@dataclass(frozen=True)
class Applied:
    """What a run over all grants changed."""

    granted: tuple[Grant, ...]
    revoked: tuple[Grant, ...]


def role_names(departments: Iterable[str]) -> tuple[str, ...]:
    """Return all roles that are granted anything, departments last."""
    return (ANALYST, AUDITOR, PUBLIC, *(department_role(d) for d in sorted(set(departments))))


def read_relations(connection: Connection) -> list[Relation]:
    """Return every table and view of ours with the levels of its columns."""
    return [Relation(s, name, levels, is_view) for s, name, is_view, levels in connection.execute(_RELATIONS)]


def apply(
    connection: Connection,
    departments: Iterable[str],
    *,
    requested: Sequence[Grant] = (),
    rules: Sequence[Rule] = RULES,
) -> Applied:
    """Grant what is missing and revoke what no rule names, for the roles that exist; commit is the caller's.

    Args:
        connection: as the owner of the relations.
        departments: ids of all departments that have contracts.
        requested: what approved and unexpired requests add to the rules.
    """
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    roles = _existing(connection, role_names(departments))
    relations = read_relations(connection)
    wanted_departments = [r.removeprefix(DEPARTMENT_PREFIX) for r in roles if r.startswith(DEPARTMENT_PREFIX)]
    wanted = {
        (g.role, g.schema, g.relation): g
        for g in (*desired_grants(relations, wanted_departments, rules), *requested)
        if g.role in roles
    }
    personal = {(r.schema, r.name): r.is_personal for r in relations}
    found = {
        (role, schema, name): privilege
        for role, schema, name, privilege in connection.execute(_GRANTED, {"roles": list(roles)})
    }
    _guard(connection, wanted.values())
    granted = [grant for key, grant in wanted.items() if found.get(key) != "SELECT"]
    revoked = [Grant(*key, "不再有规则允许", personal.get(key[1:], False)) for key in found if key not in wanted]
    for grant in revoked:
        connection.execute(
            sql.SQL("revoke all on {} from {}").format(
                sql.Identifier(grant.schema, grant.relation), sql.Identifier(grant.role)
            )
        )
    for grant in granted:
        connection.execute(
            sql.SQL("grant select on {} to {}").format(
                sql.Identifier(grant.schema, grant.relation), sql.Identifier(grant.role)
            )
        )
    _open_schemas(connection, roles, wanted.values())
    _record(connection, "grant", granted)
    _record(connection, "revoke", revoked)
    return Applied(tuple(granted), tuple(revoked))


def _existing(connection: Connection, names: Sequence[str]) -> tuple[str, ...]:
    rows = connection.execute("select rolname from pg_roles where rolname = any(%s)", (list(names),))
    known = {name for (name,) in rows}
    return tuple(name for name in names if name in known)


def _guard(connection: Connection, grants: Iterable[Grant]) -> None:
    """Put the row policies where they are missing: departments see their own rows; reads of personal data are noted."""
    guarded = {
        (schema, name)
        for schema, name in connection.execute("select schemaname, tablename from pg_policies").fetchall()
    }
    for schema, name, is_personal in sorted({(g.schema, g.relation, g.is_personal) for g in grants}):
        if (schema, name) in guarded or schema in NOTING_SCHEMAS:
            continue
        table = sql.Identifier(schema, name)
        if is_personal:
            condition = sql.SQL("(select quality.note_read({}))").format(sql.Literal(f"{schema}.{name}"))
        elif schema in ROW_FILTERED and (own := _own_rows(connection, schema, name)) is not None:
            condition = sql.SQL("(select quality.is_no_department()) or ({})").format(own)
        else:
            continue
        connection.execute(sql.SQL("alter table {} enable row level security").format(table))
        connection.execute(sql.SQL("create policy readers on {} for select using ({})").format(table, condition))


def _own_rows(connection: Connection, schema: str, name: str) -> sql.SQL | None:
    rows = connection.execute(
        "select attname from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " where relnamespace = %s::regnamespace and relname = %s and relkind in ('r', 'p') and attnum > 0"
        " and not attisdropped",
        (schema, name),
    )
    columns = {column for (column,) in rows}
    if "department" in columns:
        return sql.SQL("quality.is_department(department)")
    if "batch_id" in columns:
        return sql.SQL("batch_id in (select batch.batch_id from quality.batch)")
    return None


def _open_schemas(connection: Connection, roles: Sequence[str], grants: Iterable[Grant]) -> None:
    """Usage of exactly the schemas in which a role reads something, and connection to the database."""
    wanted = {(g.role, g.schema) for g in grants}
    found = {
        (role, schema)
        for role, schema in connection.execute(
            "select pg_get_userbyid(g.grantee), n.nspname from pg_namespace as n"
            " cross join lateral aclexplode(n.nspacl) as g where pg_get_userbyid(g.grantee) = any(%s)",
            (list(roles),),
        )
    }
    for role, schema in sorted(wanted - found):
        connection.execute(
            sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(schema), sql.Identifier(role))
        )
    for role, schema in sorted(found - wanted):
        connection.execute(
            sql.SQL("revoke all on schema {} from {}").format(sql.Identifier(schema), sql.Identifier(role))
        )
    rows = connection.execute(
        "select rolname from pg_roles where rolname = any(%s)"
        " and not has_database_privilege(oid, current_database(), 'connect')",
        (list(roles),),
    ).fetchall()
    database = connection.info.dbname
    for (role,) in rows:
        connection.execute(
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database), sql.Identifier(role))
        )


def _record(connection: Connection, action: str, grants: Iterable[Grant]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality.access_grant (action, role_name, relation, is_personal, reason)"
            " values (%s, %s, %s, %s, %s)",
            [(action, g.role, f"{g.schema}.{g.relation}", g.is_personal, g.reason) for g in grants],
        )
