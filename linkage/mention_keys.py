"""Keys of mentions that several records share, where intake has not made them: the grain is new, or another one."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.database import Connection
from connectors.privacy import hmac_pads, read_record_key
from connectors.record_columns import MENTION_KEY
from connectors.settings import Settings
from connectors.sql_text import execute, mention_key, one
from linkage.mention_sql import Role


def fill(settings: Settings, connection: Connection, roles: Iterable[Role]) -> None:
    """Make the missing keys; commit is the caller's.

    Raises:
        UserError: the secret of the record keys cannot be read.
    """
    for contract in {role.contract.id: role.contract for role in roles if role.is_grouped}.values():
        missing = f'from raw."{contract.id}" v where v.{MENTION_KEY} is null'
        if not one(connection, f"select exists (select {missing})")[0]:
            continue
        inner, outer = hmac_pads(read_record_key(settings))
        execute(
            connection,
            f'update raw."{contract.id}" v set {MENTION_KEY} = {mention_key(contract, "v")}'
            f" where v.{MENTION_KEY} is null",
            {"inner": inner, "outer": outer},
        )
