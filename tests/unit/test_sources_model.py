"""What a contract may state about its source, how connections are resolved, and how values become text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from connectors.contract import ContractError, load_contracts
from connectors.sources.endpoint import ConnectionFields, Endpoint, of_connection, of_url
from connectors.sources.errors import SourceError
from connectors.sources.pull import connection_id
from connectors.sources.values import text_array
from connectors.sources.watermark import Watermark

NOW = datetime(2021, 10, 8, 1, 0, tzinfo=UTC)
CONTRACT = """\
title: 变更
description: 变更数据。
key: [code]
mode: {mode}
cycle: daily
sharing: {{type: 无条件共享}}
columns:
  code: {{header: 编号, type: text, required: true}}
  holder: {{header: 证件号码, type: id, level: L4}}
{source}
"""


def problem(folder: Path, source: str, *, mode: str = "incremental") -> str:
    """What is said about a contract with this source; empty where nothing is."""
    path = folder / "health" / "change.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(CONTRACT.format(source=source, mode=mode), encoding="utf-8")
    try:
        load_contracts((folder,))
    except ContractError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "source",
    [
        "source: {kind: sql, connection: a, table: 变更表}",
        "source: {kind: sql, connection: '{department}_db', table: s.t, mode: watermark, watermark: changed_at}",
        "source: {kind: sql, connection: a, query: 'with x as (select 1) select * from x;', batch_rows: 5}",
        "source: {kind: sql, connection: a, table: t, mode: watermark, watermark: no, overlap: 1 day}",
        "source: {kind: sql, connection: a, table: t, mode: watermark, watermark: no, overlap: 100}",
        "source: {kind: http, connection: a, path: /v1/x, records: data.list, paging: {kind: page, rows: 100}}",
        "source: {kind: http, connection: a, path: /, signature: 'city.signing:sign', params: {day: '{as_of}'}}",
    ],
)
def test_a_source_is_accepted_when_it_is_whole(tmp_path: Path, source: str) -> None:
    assert problem(tmp_path, source) == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("source: {kind: ftp, connection: a}", "kind 应为其中之一"),
        ("source: {kind: sql, connection: a}", "须给出其一"),
        ("source: {kind: sql, connection: a, table: t, query: select 1}", "须给出其一"),
        ("source: {kind: sql, connection: a, table: t, password: x}", "不认识的键"),
        ("source: {kind: sql, connection: 'postgresql://u:p@h/d', table: t}", "connection"),
        ("source: {kind: sql, connection: a, table: 't; drop table t'}", "table 应写作"),
        ("source: {kind: sql, connection: a, query: delete from t}", "一条 SELECT"),
        ("source: {kind: sql, connection: a, query: 'select 1; delete from t'}", "一条 SELECT"),
        ("source: {kind: sql, connection: a, table: t, watermark: c}", "watermark 只用于"),
        ("source: {kind: sql, connection: a, table: t, mode: watermark}", "watermark 只用于"),
        ("source: {kind: sql, connection: a, table: t, overlap: 1 day}", "overlap 只用于"),
        ("source: {kind: sql, connection: a, table: t, mode: watermark, watermark: c, overlap: ages}", "overlap"),
        (
            "source: {kind: sql, connection: a, table: t, mode: watermark, watermark: 证件号码}",
            "个人信息的列 holder",
        ),
        ("source: {kind: http, connection: a, path: 'http://x/'}", "path"),
        ("source: {kind: http, connection: a, path: /, params: {a: '{password}'}}", "没有占位符 {password}"),
        ("source: {kind: http, connection: a, path: /, params: {page: 1}, paging: {kind: page}}", "翻页参数"),
        ("source: {kind: http, connection: a, path: /, signature: 'os.system'}", "signature"),
    ],
)
def test_a_source_is_refused_when_it_cannot_be_right(tmp_path: Path, source: str, said: str) -> None:
    assert said in problem(tmp_path, source)


def test_a_watermark_is_refused_when_what_is_absent_would_be_withdrawn(tmp_path: Path) -> None:
    stated = "source: {kind: sql, connection: a, table: t, mode: watermark, watermark: c}"
    assert "会被当作已撤回" in problem(tmp_path, stated, mode="full")


def test_a_contract_keeps_its_version_when_only_its_source_changes(tmp_path: Path) -> None:
    versions = set()
    for source in ("", "source: {kind: sql, connection: '{department}_db', table: t}"):
        assert problem(tmp_path, source) == ""
        contract = load_contracts((tmp_path,))["health__change"]
        versions.add(contract.version)
    assert len(versions) == 1
    assert connection_id(contract) == "health_db"


def test_a_database_is_reached_by_the_projects_driver_when_the_connection_is_of_its_type() -> None:
    fields = ConnectionFields("postgres", "db", 5433, "civil", "reader", "p@ss/word", '{"sslmode": "require"}')
    url = sa.make_url(of_connection("sql", fields).url)
    assert (url.drivername, url.host, url.port, url.database) == ("postgresql+psycopg", "db", 5433, "civil")
    assert (url.username, url.password, dict(url.query)) == ("reader", "p@ss/word", {"sslmode": "require"})
    assert of_connection("sql", ConnectionFields("sqlite", "/a/b.db")).url == "sqlite:////a/b.db"
    assert of_url("sql", "postgresql://u:p@h/d\n").url == "postgresql+psycopg://u:p@h/d"


def test_an_interface_is_reached_by_https_when_the_connection_says_nothing_else() -> None:
    fields = ConnectionFields("http", "api.example", 8443, "https", "app", "key", '{"headers": {"X-A": "1"}}')
    assert of_connection("http", fields) == Endpoint(
        "https://api.example:8443", "app", "key", {"headers": {"X-A": "1"}}
    )
    assert of_connection("http", ConnectionFields("https", "api.example")).url == "https://api.example"
    assert of_connection("http", ConnectionFields("http", "http://10.0.0.1/base")).url == "http://10.0.0.1/base"
    assert of_url("http", "https://app:k%40y@api.example:8443/base/") == Endpoint(
        "https://api.example:8443/base", "app", "k@y"
    )


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("sql", ConnectionFields("ftp", "h"), "不是数据库"),
        ("sql", ConnectionFields("postgres", "h", extra="{"), "不是 JSON"),
        ("http", ConnectionFields("http", ""), "写明主机"),
        ("http", ConnectionFields("http", "ftp://h"), "https://"),
    ],
)
def test_a_connection_is_refused_when_it_is_no_such_thing(kind: str, fields: ConnectionFields, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        of_connection(kind, fields)


def test_secrets_are_in_no_representation_and_no_error() -> None:
    fields = ConnectionFields("ftp", "h", login="someone", password="s3cret", extra='{"token": "s3cret"}')
    endpoint = Endpoint("postgresql://u:s3cret@h/d", "someone", "s3cret", {"token": "s3cret"})
    assert "s3cret" not in repr(fields) + repr(endpoint)
    with pytest.raises(SourceError) as caught:
        of_url("sql", "s3cret without a scheme")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["甲", None, ""], ["甲", None, ""]),
        ([1, None, 2**70], ["1", None, str(2**70)]),
        ([Decimal("1.10"), Decimal("1E+3"), Decimal("0E-7")], ["1.10", "1000", "0.0000000"]),
        ([1.5, 1e22, 0.1], ["1.5", "10000000000000000000000", "0.1"]),
        ([True, False], ["是", "否"]),
        ([date(2021, 9, 30), None], ["2021-09-30", None]),
        ([datetime.fromisoformat("2021-09-30T08:05")], ["2021-09-30 08:05:00"]),
        ([datetime(2021, 9, 30, 20, 5, 0, 7, UTC)], ["2021-10-01 04:05:00.000007"]),
        ([time(8, 5)], ["08:05:00"]),
        ([UUID(int=1)], [str(UUID(int=1))]),
        ([{"a": "甲"}, [1]], ['{"a": "甲"}', "[1]"]),
        (["甲", 1, date(2021, 9, 30)], ["甲", "1", "2021-09-30"]),
    ],
)
def test_values_become_the_text_a_department_would_write(values: list[Any], expected: list[str | None]) -> None:
    assert text_array(values, "c").to_pylist() == expected


@pytest.mark.parametrize("values", [[b"x"], [None, memoryview(b"x")], ["甲", b"371002198506070019"]])
def test_bytes_are_refused_by_the_columns_name_alone(values: list[Any]) -> None:
    with pytest.raises(SourceError, match="列 photo") as caught:
        text_array(values, "photo")
    assert "371002" not in str(caught.value)


@pytest.mark.parametrize("value", [7, Decimal("7.5"), date(2021, 9, 30), datetime(2021, 9, 30, 8, 0, tzinfo=UTC), "K7"])
def test_a_watermark_is_the_same_again_when_it_was_kept_as_text(value: Any) -> None:
    kept = Watermark.of(value, "c")
    assert Watermark(kept.kind, kept.text).value == value


@pytest.mark.parametrize(
    ("value", "overlap", "expected"),
    [
        (100, 30, 70),
        (date(2021, 9, 30), "1 day", date(2021, 9, 29)),
        (datetime.fromisoformat("2021-09-30T08:00"), "90 minutes", datetime.fromisoformat("2021-09-30T06:30")),
        ("K7", None, "K7"),
    ],
)
def test_reading_begins_before_the_watermark_when_there_is_an_overlap(value: Any, overlap: Any, expected: Any) -> None:
    assert Watermark.of(value, "c").reaching_back(overlap) == expected


@pytest.mark.parametrize(("value", "overlap"), [(100, "1 day"), (date(2021, 9, 30), 30), ("K7", "1 day")])
def test_an_overlap_is_refused_when_it_does_not_fit_the_column(value: Any, overlap: Any) -> None:
    with pytest.raises(SourceError, match="overlap"):
        Watermark.of(value, "c").reaching_back(overlap)


@pytest.mark.parametrize("value", [True, b"x", [1]])
def test_a_watermark_is_refused_when_it_does_not_grow(value: Any) -> None:
    with pytest.raises(SourceError, match="水位列 c"):
        Watermark.of(value, "c")


def test_a_time_to_come_is_recognised_with_and_without_a_zone() -> None:
    assert Watermark.of(datetime.fromisoformat("2021-10-08T09:01"), "c").is_after(NOW)
    assert not Watermark.of(datetime.fromisoformat("2021-10-08T08:59"), "c").is_after(NOW)
    assert Watermark.of(datetime(2099, 12, 31, tzinfo=UTC), "c").is_after(NOW)
    assert Watermark.of(date(2021, 10, 9), "c").is_after(NOW)
    assert not Watermark.of(10**12, "c").is_after(NOW)
