"""Views that read a table that is about to change: taken down and put back in one transaction, as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from connectors.database import Connection


class UnmovableViewError(Exception):
    """Something other than a plain view reads the table; the message is its name."""


@dataclass(frozen=True)
class DependentView:
    """A view with all that it takes to make it again."""

    schema_name: str
    view_name: str
    kind: str
    definition: str
    owner: str
    options: list[str] | None
    comment: str | None
    grants: list[list[str]]

    @property
    def name(self) -> sql.Identifier:
        """The view's quoted name."""
        return sql.Identifier(self.schema_name, self.view_name)


_DEPENDENT = """
with recursive reading (oid, depth) as (
    select r.ev_class, 1
    from pg_depend as d
    inner join pg_rewrite as r on r.oid = d.objid
    left join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where
        d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = %(table)s::regclass and r.ev_class <> d.refobjid
        and (%(columns)s::text[] is null or a.attname = any(%(columns)s))
    union
    select r.ev_class, p.depth + 1
    from reading as p
    inner join pg_depend as d on d.refobjid = p.oid and d.refclassid = 'pg_class'::regclass
    inner join pg_rewrite as r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
    where r.ev_class <> p.oid
)
select
    n.nspname as schema_name, c.relname as view_name, c.relkind::text as kind,
    pg_get_viewdef(c.oid) as definition, pg_get_userbyid(c.relowner) as owner, c.reloptions as options,
    obj_description(c.oid, 'pg_class') as comment,
    array(
        select array[g.privilege_type, coalesce(pg_get_userbyid(nullif(g.grantee, 0)), 'public'), g.is_grantable::text]
        from aclexplode(c.relacl) as g where g.grantee <> c.relowner
    ) as grants
from (select oid, max(depth) as depth from reading group by oid) as r
inner join pg_class as c on c.oid = r.oid
inner join pg_namespace as n on n.oid = c.relnamespace
order by r.depth, c.oid
"""


def take_down(connection: Connection, table: str, columns: Sequence[str] | None = None) -> list[DependentView]:
    """Drop the views that read the columns, directly or through others; return them in the order to make them again.

    Args:
        table: quoted name.
        columns: None for the table as a whole.

    Raises:
        UnmovableViewError: a materialised view reads them; nothing was dropped.
    """
    told = None if columns is None else list(columns)
    with connection.cursor(row_factory=class_row(DependentView)) as cursor:
        views = cursor.execute(_DEPENDENT, {"table": table, "columns": told}).fetchall()
    for view in views:
        if view.kind != "v":
            raise UnmovableViewError(f"{view.schema_name}.{view.view_name}")
    for view in reversed(views):
        connection.execute(sql.SQL("drop view {}").format(view.name))
    return views


def put_back(connection: Connection, views: Sequence[DependentView]) -> None:
    """Make the views again, with owner, options, comment and grants."""
    for view in views:
        options = sql.SQL("with ({})").format(sql.SQL(", ").join(map(_option, view.options))) if view.options else None
        connection.execute(
            sql.SQL("create view {} {} as {}").format(
                view.name, options or sql.SQL(""), sql.SQL(view.definition.rstrip().rstrip(";"))
            )
        )
        connection.execute(sql.SQL("alter view {} owner to {}").format(view.name, sql.Identifier(view.owner)))
        if view.comment is not None:
            connection.execute(sql.SQL("comment on view {} is {}").format(view.name, sql.Literal(view.comment)))
        grant(connection, view.name, view.grants)


def grant(connection: Connection, relation: sql.Identifier, grants: Sequence[Sequence[str]]) -> None:
    """Give privileges on a relation: of each the privilege, to whom, and `true` where it may be passed on."""
    for privilege, grantee, is_grantable in grants:
        connection.execute(
            sql.SQL("grant {} on {} to {}{}").format(
                sql.SQL(privilege),
                relation,
                sql.SQL("public") if grantee == "public" else sql.Identifier(grantee),
                sql.SQL(" with grant option" if is_grantable == "true" else ""),
            )
        )


def _option(text: str) -> sql.Composed:
    name, _, value = text.partition("=")
    return sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
