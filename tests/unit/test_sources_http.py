"""Reading an HTTP interface: all of it, or an error that says why and gives nothing away."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.settings import Limits
from connectors.sources import http
from connectors.sources.endpoint import Endpoint
from connectors.sources.errors import SourceError
from connectors.sources.model import HttpSource
from connectors.sources.signing import Request, Signature
from tests.unit.interface_server import Answer, Call, Interface, interface

NOW = datetime(2021, 10, 8, 1, 0, tzinfo=UTC)
RECORDS = [{"code": f"{n:03d}", "value": n} for n in range(1, 8)]
Reply = Callable[[Call], Answer]


def read(server: Interface, folder: Path, *, endpoint: Endpoint | None = None, **stated: Any) -> list[dict[str, Any]]:
    source = HttpSource.model_validate({"kind": "http", "connection": "c", "path": "/v1/records"} | stated)
    waits: list[float] = stated.pop("waits", [])
    with http.opened(
        source,
        endpoint or Endpoint(server.url),
        folder=folder,
        as_of=date(2021, 9, 30),
        now=NOW,
        limits=replace(Limits(), response_bytes=100_000),
        sleep=waits.append,
    ) as rows:
        found = [record for batch in rows.batches for record in batch.to_pylist()]
        assert len(found) == rows.expected
        return found


def pages(size: int, *, total: int | None = len(RECORDS), records: Sequence[Any] = RECORDS) -> Reply:
    """A server that never gives more than `size` records at once, whatever is asked for."""

    def reply(call: Call) -> Answer:
        wanted = min(int(call.params.get("size", size)), size)
        start = int(call.params["offset"]) if "offset" in call.params else (int(call.params["page"]) - 1) * wanted
        data = {"list": records[start : start + wanted]} | ({"total": total} if total is not None else {})
        return Answer({"code": 0, "data": data})

    return reply


def failure(reply: Reply, folder: Path, **stated: Any) -> str:
    with interface(reply) as server, pytest.raises(SourceError) as caught:
        read(server, folder, **stated)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


LIST = {"records": "data.list"}
TOTAL = LIST | {"total": "data.total"}
PAGE: dict[str, Any] = {"paging": {"kind": "page", "rows": 500}}
OFFSET: dict[str, Any] = {"paging": {"kind": "offset"}}
NEXT: dict[str, Any] = {"paging": {"kind": "next", "field": "next"}, "records": "items"}


@pytest.mark.parametrize("paging", [PAGE, OFFSET])
@pytest.mark.parametrize(("total", "stated"), [(7, TOTAL), (None, LIST)])
def test_every_page_is_read_when_the_server_caps_the_page_size(
    tmp_path: Path, paging: dict[str, Any], total: int | None, stated: dict[str, Any]
) -> None:
    with interface(pages(3, total=total)) as server:
        found = read(server, tmp_path, **stated, **paging)
    assert found == [{"code": r["code"], "value": str(r["value"])} for r in RECORDS]
    assert len(server.calls) == (3 if total is not None else 4)


def test_links_and_cursors_are_followed_to_the_end(tmp_path: Path) -> None:
    def links(call: Call) -> Answer:
        at = int(call.params.get("at", 0))
        following = f"?at={at + 2}&keep={call.params['keep']}" if at + 2 < len(RECORDS) else None
        return Answer({"items": RECORDS[at : at + 2], "next": following})

    def cursors(call: Call) -> Answer:
        at = int(call.params.get("cursor", 0))
        return Answer({"items": RECORDS[at : at + 2]} | ({"next": at + 2} if at + 2 < len(RECORDS) else {}))

    with interface(links) as server:
        assert len(read(server, tmp_path, **NEXT, params={"keep": "{as_of}"})) == 7
        assert {c.params["keep"] for c in server.calls} == {"2021-09-30"}
    by_cursor = {"paging": {"kind": "next", "field": "next", "param": "cursor"}, "records": "items"}
    with interface(cursors) as server:
        assert len(read(server, tmp_path, **by_cursor, params={"year": "{year}"})) == 7
        assert all(c.params["year"] == "2021" for c in server.calls)


def test_values_keep_their_written_form_and_fields_are_joined_when_records_differ(tmp_path: Path) -> None:
    raw = (
        '[{"a": 1.10, "b": 12345678901234567890, "c": true, "d": null}, {"a": 1e3, "e": {"x": ["甲", 1]}, "b": "0012"}]'
    )
    with interface(lambda _: Answer(raw=raw.encode())) as server:
        first, second = read(server, tmp_path)
    assert first == {"a": "1.10", "b": "12345678901234567890", "c": "是", "d": None, "e": None}
    assert second == {"a": "1000", "b": "0012", "c": None, "d": None, "e": '{"x": ["甲", 1]}'}


def test_a_gb18030_answer_is_read_when_it_says_so(tmp_path: Path) -> None:
    raw = '[{"name": "威海"}]'.encode("gb18030")
    with interface(lambda _: Answer(raw=raw, headers={"Content-Type": "application/json; charset=gb18030"})) as server:
        assert read(server, tmp_path) == [{"name": "威海"}]


def test_parameters_are_the_body_when_the_method_is_post(tmp_path: Path) -> None:
    with interface(lambda _: Answer(RECORDS)) as server:
        assert len(read(server, tmp_path, method="POST", params={"year": "{year}", "kind": 2})) == 7
    [call] = server.calls
    assert (call.params, call.body) == ({}, b'{"year": "2021", "kind": "2"}')


def stumbling(times: int, answer: Answer) -> Reply:
    left = iter([answer] * times)
    return lambda _: next(left, Answer(RECORDS))


@pytest.mark.parametrize(
    ("answer", "waited"),
    [
        (Answer(status=503, headers={"Retry-After": "0"}), [0, 0]),
        (Answer(status=429, headers={"Retry-After": "7"}), [7, 7]),
        (Answer(status=429, headers={"Retry-After": "86400"}), [120, 120]),
        (Answer(RECORDS, cut=5), None),
        (Answer(status=500), None),
    ],
)
def test_a_passing_trouble_is_waited_out(tmp_path: Path, answer: Answer, waited: list[float] | None) -> None:
    waits: list[float] = []
    with interface(stumbling(2, answer)) as server:
        source = HttpSource(kind="http", connection="c", path="/v1/records")
        with http.opened(
            source, Endpoint(server.url), folder=tmp_path, as_of=date(2021, 9, 30), now=NOW, limits=Limits(),
            sleep=waits.append,
        ) as rows:  # fmt: skip
            assert rows.expected == 7
    assert len(server.calls) == 3
    assert waits == waited if waited is not None else all(1 <= wait <= 5 for wait in waits)


def test_the_wait_is_counted_by_the_servers_clock_when_it_names_a_moment() -> None:
    headers = {"Retry-After": "Fri, 08 Oct 2021 01:00:09 GMT", "Date": "Fri, 08 Oct 2021 01:00:00 GMT"}
    assert http._retry_after(httpx.Response(503, headers=headers)) == 9
    assert http._retry_after(httpx.Response(503, headers={"Retry-After": "soon"})) is None


def test_it_is_given_up_when_the_trouble_stays(tmp_path: Path) -> None:
    assert "HTTP 503" in failure(lambda _: Answer(status=503), tmp_path)
    assert "没有传完整" in failure(lambda _: Answer(RECORDS, cut=5), tmp_path)


def test_nothing_answers_when_nobody_listens(tmp_path: Path) -> None:
    with interface(lambda _: Answer([])) as server:
        pass
    with pytest.raises(SourceError, match="连不上"):
        read(server, tmp_path)


@pytest.mark.parametrize(
    ("reply", "stated", "message"),
    [
        (lambda _: Answer(raw=b"\n<html>login</html>"), {}, "网页"),
        (lambda _: Answer(raw=b'{"data": [1, 2'), {}, "不是 JSON"),
        (lambda _: Answer(raw=b"[" * 100_000), {}, "不是 JSON"),
        (lambda _: Answer({"code": 401, "msg": "签名错误"}), LIST, "没有 data.list"),
        (lambda _: Answer({"data": {"list": None}}), LIST, "不是记录的数组"),
        (lambda _: Answer([["a"], [1]]), {}, "不是记录的数组"),
        (lambda _: Answer(status=403), {}, "HTTP 403"),
        (lambda _: Answer(status=302, headers={"Location": "http://elsewhere.example/"}), {}, "不予跟随"),
        (lambda _: Answer([{"a": "x" * 200_000}]), {}, "上限"),
        (pages(3, total=9), TOTAL | PAGE, "共 9 条记录，实际读到 7 条"),
        (pages(3, total=2), TOTAL | OFFSET, "共 2 条记录，实际读到 3 条"),
        (lambda _: Answer({"data": {"list": RECORDS, "total": 8}}), TOTAL, "共 8 条记录"),
        (lambda _: Answer({"data": {"list": RECORDS, "total": "many"}}), TOTAL, "不是整数"),
        (lambda _: Answer({"data": {"list": RECORDS}}), LIST | PAGE, "同样的记录"),
        (lambda c: Answer([{"a": c.params["page"]}]), PAGE | {"max_pages": 20}, "超过 20"),
        (lambda _: Answer({"items": RECORDS, "next": "/v1/records?at=1"}), NEXT, "读过的页"),
        (lambda _: Answer({"items": RECORDS, "next": "http://169.254.169.254/"}), NEXT, "另一台服务器"),
    ],
)  # fmt: skip
def test_nothing_is_taken_when_the_interface_is_not_as_stated(
    tmp_path: Path, reply: Reply, stated: dict[str, Any], message: str
) -> None:
    assert message in failure(reply, tmp_path, **stated)


def test_nothing_is_taken_when_next_leads_on_for_ever(tmp_path: Path) -> None:
    reply: Reply = lambda c: Answer({"items": RECORDS, "next": f"?at={int(c.params.get('at', 0)) + 1}"})  # noqa: E731
    assert "超过 25" in failure(reply, tmp_path, **NEXT, max_pages=25)


def test_nothing_is_taken_when_the_total_changes_meanwhile(tmp_path: Path) -> None:
    totals = iter([7, 8, 8, 8])

    def reply(call: Call) -> Answer:
        return pages(3, total=next(totals))(call)

    assert "由 7 变为 8" in failure(reply, tmp_path, **TOTAL, **PAGE)


def test_a_compressed_bomb_is_cut_off(tmp_path: Path) -> None:
    bomb = gzip.compress(b"[" + b" " * 30_000_000 + b"]")
    assert "上限" in failure(lambda _: Answer(raw=bomb, headers={"Content-Encoding": "gzip"}), tmp_path)


def test_requests_are_signed_anew_when_the_signature_is_hmac(tmp_path: Path) -> None:
    endpoint = Endpoint("", user="app7", secret="k3y")
    with interface(stumbling(1, Answer(status=503, headers={"Retry-After": "0"}))) as server:
        found = read(
            server, tmp_path, endpoint=replace(endpoint, url=server.url), signature="hmac_sha256",
            params={"name": "威海 a/b", "z": 1},
        )  # fmt: skip
    assert len(found) == 7
    for call in server.calls:
        seconds = call.headers["X-Timestamp"]
        query = "name=%E5%A8%81%E6%B5%B7%20a%2Fb&z=1"
        text = "\n".join(("GET", "/v1/records", query, seconds, hashlib.sha256(b"").hexdigest()))
        expected = hmac.new(b"k3y", text.encode(), hashlib.sha256).hexdigest()
        assert (call.headers["X-App-Id"], call.headers["X-Signature"]) == ("app7", expected)
        assert abs(int(seconds) - NOW.timestamp()) <= 60
        assert "k3y" not in str(call)


def sign_for_tests(request: Request) -> Signature:
    return Signature(
        headers={"X-Token": f"{request.user}:{request.secret}:{request.method}"},
        params={"sign": request.params["a"] * 2},
    )


def test_a_function_of_ones_own_signs_when_the_contract_names_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with interface(lambda _: Answer(RECORDS)) as server:
        read(
            server, tmp_path, endpoint=Endpoint(server.url, "u", "s"), params={"a": "xy"},
            signature="tests.unit.test_sources_http:sign_for_tests",
        )  # fmt: skip
    [call] = server.calls
    assert call.headers["X-Token"] == "u:s:GET"
    assert call.params == {"a": "xy", "sign": "xyxy"}
    assert "xyxy" not in caplog.text


def test_account_and_headers_of_the_connection_are_sent(tmp_path: Path) -> None:
    with interface(lambda _: Answer(RECORDS)) as server:
        read(server, tmp_path, endpoint=Endpoint(server.url, "u", "s", {"headers": {"X-Key": "1"}}))
    [call] = server.calls
    assert call.headers["Authorization"] == "Basic dTpz"
    assert call.headers["X-Key"] == "1"


@pytest.mark.parametrize(
    ("signature", "endpoint", "message"),
    [
        ("hmac_sha256", Endpoint("http://127.0.0.1:1"), "没有密钥"),
        ("connectors.nowhere:sign", Endpoint("http://127.0.0.1:1", "", "s"), "没有签名函数"),
    ],
)
def test_nothing_is_sent_when_it_cannot_be_signed(
    tmp_path: Path, signature: str, endpoint: Endpoint, message: str
) -> None:
    with interface(lambda _: Answer([])) as server, pytest.raises(SourceError, match=message):
        read(server, tmp_path, endpoint=endpoint, signature=signature)
    assert server.calls == []


def test_a_certificate_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    with interface(lambda _: Answer([])) as server, pytest.raises(SourceError, match="连不上"):
        read(server, tmp_path, endpoint=Endpoint(server.url.replace("http:", "https:")))


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nobody = Interface(f"http://127.0.0.1:{silent.getsockname()[1]}", [])
        with pytest.raises(SourceError, match="没有应答"):
            read(nobody, tmp_path, timeout_seconds=0.05)
