"""Masked views as dbt makes them: every declared column under its mask, and numbers hidden that the rest gives away."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from ruamel.yaml import YAML

from connectors.database import connect
from dags.support.models import PROJECT
from tests.conftest import create_database, drop_database, dsn_of

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
PLACES = ("371002", "371003", "371082", "371083")
PLANTED = [("37100219850715333", "371002"), ("37108219911203556", "371082"), ("37108319770214881", "371083")]
VIEWS = {
    # what stands beside the number: mask of the birth date, whether the division is shown
    "by_decade": ("decade", True),
    "by_year_and_place": ("year", True),
    "by_year": ("year", False),
    "by_day": ("plain", False),
    "number_only": ("hidden", False),
}
SHOWN = {"by_decade", "by_year", "number_only"}
"""Views in which at least 1,000 valid numbers fit the masked one."""


def _number(first17: str) -> str:
    return first17 + "10X98765432"[sum(int(d) * w for d, w in zip(first17, WEIGHTS, strict=True)) % 11]


def _project(folder: Path) -> None:
    """A dbt project with the macro of ours and one model in several declarations."""
    (folder / "macros").mkdir(parents=True)
    shutil.copy(PROJECT / "macros" / "masked.sql", folder / "macros")
    shutil.copy(PROJECT / "profiles.yml", folder)
    ours = YAML(typ="safe").load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    yaml = YAML()
    yaml.dump(
        {"name": "weihai", "version": "1.0", "profile": "weihai", "vars": ours["vars"], "flags": ours["flags"]},
        folder / "dbt_project.yml",
    )
    people = " union all ".join(
        f"select '{_number(n)}' as id_no, '欧阳修文' as name, date '{n[6:10]}-{n[10:12]}-{n[12:14]}' as birth_date,"
        f" '{place}' as division_code, '13812345678' as phone, '{{}}'::jsonb as losers, 'x' as forgotten,"
        " '山东省威海市文登区龙山路街道1号' as birth_place, '见371082199112035567' as note"
        for n, place in PLANTED
    )
    models = []
    (folder / "models").mkdir()
    for view, (birth, shows_place) in VIEWS.items():
        (folder / "models" / f"{view}.sql").write_text(people, encoding="utf-8")
        (folder / "models" / f"{view}_masked.sql").write_text(f'{{{{ masked(ref("{view}")) }}}}', encoding="utf-8")
        columns = {
            "id_no": {"level": "L3", "mask": "id"},
            "name": {"level": "L3", "mask": "name"},
            "birth_date": {"level": "L3", "mask": birth},
            "division_code": {"level": "L3", "mask": "plain" if shows_place else "omit"},
            "phone": {"level": "L3", "mask": "phone"},
            **({"birth_place": {"level": "L3", "mask": "address"}} if shows_place else {}),
            "losers": {"level": "L4"},
            "note": {"level": "L1"},
        }
        models.append({"name": view, "columns": [{"name": n, "config": {"meta": m}} for n, m in columns.items()]})
    yaml.dump({"version": 2, "models": models}, folder / "models" / "models.yml")


def _run(folder: Path, dsn: str) -> list[str]:
    """Run dbt there; return the messages of what failed."""
    from dbt.cli.main import dbtRunner

    facts = conninfo_to_dict(dsn)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DBT_ENV_SECRET_WAREHOUSE_PASSWORD", str(facts.get("password") or ""))
        for name in ("host", "port", "user", "dbname"):
            patched.setenv(f"DBT_WAREHOUSE_{name.upper()}", str(facts.get(name)))
        outcome = dbtRunner().invoke(["run", "--project-dir", str(folder), "--profiles-dir", str(folder), "--quiet"])
    if outcome.exception is not None:
        return [str(outcome.exception)]
    return [str(r.message) for r in getattr(outcome.result, "results", []) if str(r.status) != "success"]


@pytest.fixture(scope="module")
def masked(
    server: str, warehouse_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A warehouse with the masked views."""
    name = f"{warehouse_template}_masked"
    create_database(server, name, template=warehouse_template)
    folder = tmp_path_factory.mktemp("masked") / "project"
    _project(folder)
    assert _run(folder, dsn_of(server, name)) == []
    with connect(dsn_of(server, name)) as connection:
        yield connection
    drop_database(server, name)


def _fitting(row: dict[str, object], birth_mask: str) -> int:
    """Count the valid numbers that fit the first 3 and the sequence of a number, given what its row shows."""
    head, sequence = "371", "\\d{3}"
    if found := re.fullmatch(r"(\d{3})\*{11}(\d{3})\*", str(row["id_no"])):
        head, sequence = found.groups()
    places = [str(row["division_code"])] if "division_code" in row else list(PLACES)
    sequences = [sequence] if sequence != "\\d{3}" else [f"{n:03}" for n in range(1, 1000)]
    days = {
        "plain": lambda d: d == row["birth_date"],
        "year": lambda d: d.year == row["birth_date"],
        "decade": lambda d: d.year // 10 * 10 == row["birth_date"],
        "hidden": lambda _: True,
    }[birth_mask]
    lived = [date(1921, 1, 1) + timedelta(n) for n in range(36_500)]
    numbers = {
        _number(f"{place}{day:%Y%m%d}{number}")
        for place in places
        if place.startswith(head)
        for day in lived
        if days(day)
        for number in sequences[:1]
    }
    return len(numbers) * (1 if len(sequences) == 1 else len(sequences))


@pytest.mark.parametrize("view", VIEWS)
def test_number_is_shown_only_where_a_thousand_valid_ones_fit(
    masked: psycopg.Connection[tuple[object, ...]], view: str
) -> None:
    cursor = masked.execute(f"select * from mart.{view}_masked".encode())
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(rows) == len(PLANTED)
    for row, (first17, _) in zip(
        sorted(rows, key=lambda r: str(r.get("birth_date"))), sorted(PLANTED, key=lambda p: p[0][6:14]), strict=True
    ):
        birth_mask = VIEWS[view][0]
        if view in SHOWN:
            assert re.fullmatch(r"371\*{11}\d{3}\*", str(row["id_no"]))
            assert _fitting(row, birth_mask) >= 1000
        else:
            assert row["id_no"] == "*"
            shown = {**row, "id_no": f"371{'*' * 11}{first17[14:]}*"}
            assert _fitting(shown, birth_mask) < 1000


def test_every_declared_column_is_masked_and_no_other_is_shown(
    masked: psycopg.Connection[tuple[object, ...]],
) -> None:
    cursor = masked.execute("select * from mart.by_year_and_place_masked order by birth_date limit 1")
    assert [column.name for column in cursor.description or ()] == [
        *("id_no", "name", "birth_date", "division_code", "phone", "birth_place", "losers", "note")
    ]
    assert cursor.fetchone() == (
        "*",
        "欧阳**",
        1977,
        "371083",
        "138****5678",
        "山东省威海市文登区龙山路街道*",
        "*",
        "见371***********556*",
    )


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({}, "level must be"),
        ({"level": "L3", "mask": "blur"}, "unknown mask"),
        ({"level": "L4", "mask": "plain"}, "cannot be shown plain"),
    ],
)
def test_masked_view_is_refused_when_a_column_says_no_level_or_no_such_mask(
    server: str, tmp_path: Path, meta: dict[str, str], message: str
) -> None:
    folder = tmp_path / "project"
    _project(folder)
    for path in folder.glob("models/*.sql"):
        if not path.name.startswith("by_day"):
            path.unlink()
    YAML().dump(
        {"version": 2, "models": [{"name": "by_day", "columns": [{"name": "name", "config": {"meta": meta}}]}]},
        folder / "models" / "models.yml",
    )
    database = f"weihai_masks_{abs(hash(message)) % 10**9}"
    create_database(server, database)
    try:
        assert any(message in said for said in _run(folder, dsn_of(server, database)))
    finally:
        drop_database(server, database)
