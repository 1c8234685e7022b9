"""The rules by which a run was computed, kept by content in the warehouse: models, macros, seeds, what is rendered."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from connectors.contract import Contracts
from connectors.database import Connection
from connectors.errors import UserError
from connectors.settings import CHECKOUT
from dags.support import models

_PROJECT_FILES = ("seeds/**/*.csv", "dbt_project/**/*.sql", "dbt_project/**/*.yml", "dbt_project/**/*.md")
_RULE_FILES = (*_PROJECT_FILES, "expectations/**/*.yml", "dags/support/golden/*.py")
GENERATED = "generated"
"""Folder of the rendered models among kept files."""


class NoRulesError(UserError):
    """The rules of a run were not kept."""


def rule_version(contracts: Contracts, checkout: Path = CHECKOUT) -> str:
    """Return 16 hex digits that change when a contract, a model, a seed or a suite does."""
    digest = hashlib.sha256()
    for contract in contracts.values():
        digest.update(f"{contract.id}={contract.version}\n".encode())
    for path, content in _files(checkout, _RULE_FILES):
        digest.update(path.encode() + b"\0" + content)
    return digest.hexdigest()[:16]


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def keep(connection: Connection, version: str, contracts: Contracts, checkout: Path = CHECKOUT) -> None:
    """Keep the files of a rule version, unless they are kept already.

    Args:
        version: as `rule_version` gave it.
        contracts: from which models are rendered.
        checkout: folder of `dbt_project` and `seeds`.
    """
    known = connection.execute("select exists (select from mart.rule_file where rule_version = %s)", (version,))
    if known.fetchone() == (True,):
        return
    files = {**dict(_files(checkout, _PROJECT_FILES)), **_rendered(contracts, checkout)}
    hashed = {path: (hashlib.sha256(content).hexdigest(), content.decode("utf-8")) for path, content in files.items()}
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into mart.rule_content (sha256, content) values (%s, %s) on conflict do nothing",
            list(hashed.values()),
        )
        cursor.executemany(
            "insert into mart.rule_file (rule_version, path, sha256) values (%s, %s, %s) on conflict do nothing",
            [(version, path, sha256) for path, (sha256, _) in hashed.items()],
        )


def _rendered(contracts: Contracts, checkout: Path) -> dict[str, bytes]:
    # not those in the home: dbt writes compiled SQL over models that lie outside its project
    with tempfile.TemporaryDirectory() as scratch:
        models.render_generated(contracts, Path(scratch), checkout / "dbt_project")
        files = _files(Path(scratch), ("**/*.sql", "**/*.yml"))
        return {f"{GENERATED}/{path}": content for path, content in files}


def restore(connection: Connection, version: str, folder: Path) -> None:
    """Write the files of a rule version below a folder, as they were.

    Raises:
        NoRulesError: they were not kept.
    """
    rows = connection.execute(
        "select path, content from mart.rule_file inner join mart.rule_content using (sha256) where rule_version = %s",
        (version,),
    ).fetchall()
    if not rows:
        raise NoRulesError(f"没有留存规则版本 {version} 的文件（早于这一功能）")
    for path, content in rows:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode("utf-8"))


def changed_files(connection: Connection, before: str, after: str) -> Mapping[str, str]:
    """Return the files in which two rule versions differ: path to 新增, 删除 or 修改."""
    rows = connection.execute(
        "select coalesce(a.path, b.path), a.sha256 is null, b.sha256 is null"
        " from (select * from mart.rule_file where rule_version = %s) as a"
        " full join (select * from mart.rule_file where rule_version = %s) as b on a.path = b.path"
        " where a.sha256 is distinct from b.sha256 order by 1",
        (before, after),
    ).fetchall()
    return {path: "新增" if is_new else "删除" if is_gone else "修改" for path, is_new, is_gone in rows}
