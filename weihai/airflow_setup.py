"""Bring Airflow's metadata database up to date and make its administrator: `python -m weihai.airflow_setup`.

Runs in the environment of `weihai.airflow_config`; the password comes on standard input, so that it never stands in a
process list.
"""

from __future__ import annotations

import sys

from weihai.airflow_config import ADMIN


def main() -> None:
    """Migrate, then make or reset the administrator."""
    password = sys.stdin.readline().strip()
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.db import upgradedb

    upgradedb()
    with get_application_builder() as builder:
        manager = builder.sm
        user = manager.find_user(ADMIN)
        if user is None:
            manager.add_user(ADMIN, "管理员", "威海", "admin@localhost", manager.find_role("Admin"), password)
        else:
            manager.reset_password(user.id, password)


if __name__ == "__main__":
    main()
