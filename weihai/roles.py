"""The login roles of the warehouse: made with generated passwords that stand in the home's secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from connectors.database import Connection, connect
from connectors.errors import UserError
from connectors.protection.grants import role_names
from connectors.protection.roles import OWNER
from connectors.settings import Settings
from weihai.credentials import check_private, secret


class RoleError(UserError):
    """A role cannot be used; the message says how to get its credential."""


@dataclass(frozen=True)
class Roles:
    """What became of the login roles.

    Attributes:
        made: roles created now.
        missing: roles that an administrator of the server has to create.
        foreign: roles that were there before this home and whose password it does not know.
    """

    made: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def statements(self) -> str:
        """The SQL by which an administrator makes the missing roles."""
        return "\n".join(f"create role {name} login;" for name in self.missing)


def ensure_roles(settings: Settings, dsn: str, departments: Iterable[str]) -> Roles:
    """Create the login roles that are missing, with passwords in `secrets/`; the embedded server's are made to match.

    Roles belong to the server, not to the database: on a server of one's own a role that is there already keeps its
    password.
    """
    names = role_names(departments)
    own_server = settings.warehouse_dsn is None
    with connect(dsn) as connection:
        there = {name for (name,) in connection.execute("select rolname from pg_roles")}
        may_create = connection.execute(
            "select rolcreaterole or rolsuper from pg_roles where rolname = current_user"
        ).fetchone()
        made, missing, foreign = [], [], []
        for name in names:
            has_secret = (settings.secrets / _file(name)).is_file()
            if name in there and (has_secret or not own_server):
                if not has_secret:
                    foreign.append(name)
            elif may_create is None or not may_create[0]:
                missing.append(name)
            else:
                _set_password(connection, settings, name, exists=name in there)
                made.append(name)
    return Roles(tuple(made), tuple(missing), tuple(foreign))


def role_dsn(settings: Settings, role: str) -> str:
    """Return the warehouse's DSN for a role, with its password.

    Raises:
        RoleError: this home has no credential of that role.
    """
    owner = settings.dsn()
    if role == OWNER:
        return owner
    path = settings.secrets / _file(role)
    if not path.is_file():
        raise RoleError(
            f"本机没有角色 {role} 的凭据（{path}）：先运行 `weihai up` 建立角色；"
            "角色由数据库管理员建立时，把密码写入该文件（权限 0600）"
        )
    check_private(path)
    facts = conninfo_to_dict(owner)
    host = f"{facts.get('host') or '127.0.0.1'}:{facts.get('port') or 5432}"
    extra = f"?sslmode={facts['sslmode']}" if facts.get("sslmode") else ""
    password = quote(path.read_text(encoding="utf-8").strip(), safe="")
    return f"postgresql://{role}:{password}@{host}/{quote(str(facts.get('dbname') or ''), safe='')}{extra}"


def _file(role: str) -> str:
    return f"postgres_{role}"


def _set_password(connection: Connection, settings: Settings, name: str, *, exists: bool) -> None:
    statement = "alter role {} with login password {}" if exists else "create role {} login password {}"
    connection.execute(
        sql.SQL(statement).format(sql.Identifier(name), sql.Literal(secret(settings.secrets, _file(name))))
    )
