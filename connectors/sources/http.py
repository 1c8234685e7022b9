"""Records of an HTTP interface that answers in JSON: page by page, retried, bounded, and complete or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

import httpx
import pyarrow as pa
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.settings import Limits
from connectors.sources.endpoint import Endpoint
from connectors.sources.errors import SourceError
from connectors.sources.model import HttpSource, NextField, Offsets, PageNumbers, filled
from connectors.sources.rows import Rows
from connectors.sources.signing import Request, Signer, signer
from connectors.sources.values import text_array, text_of

for _name in ("httpx", "httpcore"):
    # they log whole URLs, in which signatures and tokens stand
    logging.getLogger(_name).setLevel(logging.WARNING)

ATTEMPTS = 5
_LONGEST_WAIT_SECONDS = 120.0
_SLOWEST = 10
"""An answer may take so many times the contract's timeout in all."""
_BATCH_ROWS = 5_000
_BACKOFF = wait_exponential_jitter(initial=1, max=60)


class _PassingError(SourceError):
    """A trouble that may be gone at the next try."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@contextmanager
def opened(
    source: HttpSource,
    endpoint: Endpoint,
    *,
    folder: Path,
    as_of: date,
    now: datetime,
    limits: Limits,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Rows]:
    """Fetch all records into a file in `folder`, then yield them.

    Their fields are known only after the last record: records of one interface need not have the same ones.

    Args:
        source: as the contract states it.
        endpoint: address and secret.
        folder: private, emptied by the caller.
        as_of: fills the placeholders of the parameters.
        now: aware; signatures are dated by it and the time passed since.
        limits: of one answer and of all records together.
        sleep: waits between tries.

    Raises:
        SourceError: the interface cannot be reached, answers something else, or disagrees with itself about the end.
    """
    spool = folder / "records.jsonl"
    fields: dict[str, None] = {}
    count = 0
    words = {"as_of": as_of.isoformat(), "year": f"{as_of:%Y}", "month": f"{as_of:%m}"}
    with _client(source, endpoint) as client, spool.open("w", encoding="utf-8") as writing:
        caller = _Caller(source, endpoint, client, signer(source.signature, endpoint), now, limits, sleep)
        for records in _pages(source, caller, words):
            count += len(records)
            fields |= _write(writing, records)
            if writing.tell() > limits.file_bytes:
                raise SourceError(f"接口的记录超过 {limits.file_bytes // 1024**3} GB 的上限，请分批提供")
    with spool.open(encoding="utf-8") as reading:
        yield Rows(tuple(fields), count, _batches(reading, tuple(fields)))


def _client(source: HttpSource, endpoint: Endpoint) -> httpx.Client:
    ca_file = endpoint.extra.get("ca_file")
    try:
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
    except OSError:
        raise SourceError("连接的 extra 中 ca_file 所指的证书文件无法读取") from None
    basic = source.signature == "none" and endpoint.user
    headers = endpoint.extra.get("headers")
    return httpx.Client(
        auth=(endpoint.user, endpoint.secret) if basic else None,
        headers={"Accept": "application/json", **(headers if isinstance(headers, Mapping) else {})},
        timeout=source.timeout_seconds,
        follow_redirects=False,
        verify=verify,
    )


@dataclass(frozen=True)
class _Caller:
    """Sends requests one after another."""

    source: HttpSource
    endpoint: Endpoint
    client: httpx.Client
    sign: Signer
    now: datetime
    limits: Limits
    sleep: Callable[[float], None]
    started: float = field(default_factory=time.monotonic)

    @property
    def address(self) -> httpx.URL:
        return httpx.URL(self.endpoint.url + self.source.path)

    def page(self, url: httpx.URL, params: Mapping[str, str]) -> Any:
        """Return the JSON document of one page, trying again what may pass."""
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(self._document, url, params)

    def _document(self, url: httpx.URL, params: Mapping[str, str]) -> Any:
        try:
            content, encoding = self._answer(url, params)
        except httpx.TimeoutException:
            raise _PassingError("接口在规定时间内没有应答") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _PassingError(f"接口连不上，或应答没有传完整（{type(error).__name__}）") from None
        try:
            return json.loads(content.decode(encoding) if encoding else content, parse_float=Decimal)
        except (ValueError, LookupError, RecursionError):
            what = "网页" if content.lstrip()[:1] == b"<" else "无法解析的内容"
            raise SourceError(f"接口返回的是{what}，不是 JSON；请核对 path 和登录方式") from None

    def _answer(self, url: httpx.URL, params: Mapping[str, str]) -> tuple[bytes, str | None]:
        by_body = self.source.method == "POST"
        asked = url if by_body else url.copy_merge_params(params)
        body = json.dumps(dict(params), ensure_ascii=False).encode() if by_body else b""
        signature = self.sign(
            Request(
                method=self.source.method,
                url=str(asked),
                path=asked.raw_path.decode("ascii").partition("?")[0],
                params=dict(asked.params),
                body=body,
                at=self.now + timedelta(seconds=time.monotonic() - self.started),
                user=self.endpoint.user,
                secret=self.endpoint.secret,
                extra=self.endpoint.extra,
            )
        )
        signed = asked.copy_merge_params(dict(signature.params)) if signature.params else asked
        headers = dict(signature.headers) | ({"Content-Type": "application/json"} if by_body else {})
        with self.client.stream(self.source.method, signed, headers=headers, content=body or None) as response:
            _refuse_status(response)
            return self._bounded(response), response.charset_encoding

    def _bounded(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + _SLOWEST * self.source.timeout_seconds
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > self.limits.response_bytes:
                size = self.limits.response_bytes // 1024**2
                raise SourceError(f"接口的一次应答超过 {size} MB 的上限，请减少每页的记录数")
            if time.monotonic() > deadline:
                raise _PassingError("接口应答过慢")
        return bytes(content)


def _refuse_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        raise _PassingError(f"接口暂时不可用（HTTP {status}）", _retry_after(response))
    if response.is_redirect:
        raise SourceError(f"接口要求转到另一个地址（HTTP {status}），不予跟随；请在连接或 path 中写最终的地址")
    if status != httpx.codes.OK:
        raise SourceError(f"接口拒绝了请求（HTTP {status}），请核对 path、参数和登录方式")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3: a number, or a date by the server's own clock)."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        wait: timedelta = parsedate_to_datetime(text) - parsedate_to_datetime(response.headers["Date"])
        return max(0.0, wait.total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    asked = error.retry_after if isinstance(error, _PassingError) else None
    return min(asked, _LONGEST_WAIT_SECONDS) if asked is not None else _BACKOFF(state)


def _pages(source: HttpSource, caller: _Caller, words: dict[str, str]) -> Iterator[Sequence[Mapping[str, Any]]]:
    fixed = {name: filled(value, words) for name, value in source.params.items()}
    match source.paging:
        case None:
            document = caller.page(caller.address, fixed)
            records = _records(source, document)
            _agree(_total(source, document), len(records))
            yield records
        case NextField() as paging:
            yield from _linked(source, paging, caller, fixed)
        case PageNumbers() | Offsets() as paging:
            yield from _numbered(source, paging, caller, fixed)


def _numbered(
    source: HttpSource, paging: PageNumbers | Offsets, caller: _Caller, fixed: Mapping[str, str]
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Pages by number or offset.

    A page that is shorter than asked for is no end: servers cap the size. Only `total`, or an empty page, is.
    """
    count, total, before = 0, None, b""
    for number in range(source.max_pages):
        if isinstance(paging, PageNumbers):
            place = {paging.page: str(paging.first + number), paging.size: str(paging.rows)}
        else:
            place = {paging.offset: str(count), paging.limit: str(paging.rows)}
        document = caller.page(caller.address, {**fixed, **place})
        records = _records(source, document)
        said = _total(source, document)
        if number > 0 and said != total:
            raise SourceError(f"读取期间接口的总数由 {total} 变为 {said}，未作接收，请稍后重试")
        total = said
        if not records:
            break
        if (content := _digest(records)) == before:
            raise SourceError("接口对不同的页返回了同样的记录，请核对翻页参数的名称")
        before = content
        count += len(records)
        yield records
        if total is not None and count >= total:
            break
    else:
        raise SourceError(f"接口的页数超过 {source.max_pages:,}（max_pages），未作接收")
    _agree(total, count)


def _linked(
    source: HttpSource, paging: NextField, caller: _Caller, fixed: Mapping[str, str]
) -> Iterator[Sequence[Mapping[str, Any]]]:
    url, params = caller.address, dict(fixed)
    count, total = 0, None
    seen: set[str] = set()
    for _ in range(source.max_pages):
        document = caller.page(url, params)
        records = _records(source, document)
        total = _total(source, document)
        count += len(records)
        yield records
        found = _at(document, paging.field, optional=True)
        if found in (None, "", False):
            break
        following = str(found)
        if following in seen:
            raise SourceError("接口的翻页又回到了读过的页，未作接收")
        seen.add(following)
        if paging.param is not None:
            params = {**fixed, paging.param: following}
        else:
            url, params = _same_server(url, following), {}
    else:
        raise SourceError(f"接口的页数超过 {source.max_pages:,}（max_pages），未作接收")
    _agree(total, count)


def _same_server(url: httpx.URL, link: str) -> httpx.URL:
    try:
        following = url.join(link)
    except httpx.InvalidURL:
        raise SourceError("接口给出的下一页地址无法识别") from None
    if (following.scheme, following.host, following.port) != (url.scheme, url.host, url.port):
        raise SourceError("接口给出的下一页在另一台服务器上，为免泄露密钥不跟随")
    return following


def _records(source: HttpSource, document: Any) -> Sequence[Mapping[str, Any]]:
    found = document if source.records is None else _at(document, source.records)
    if found is None and source.total is not None:
        found = []
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise SourceError(f"接口返回的 {source.records or '内容'} 不是记录的数组，请核对 records")
    return found


def _total(source: HttpSource, document: Any) -> int | None:
    if source.total is None:
        return None
    try:
        return int(str(_at(document, source.total)))
    except ValueError:
        raise SourceError(f"接口返回的 {source.total} 不是整数") from None


def _at(document: Any, path: str, *, optional: bool = False) -> Any:
    found = document
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            if optional:
                return None
            raise SourceError(f"接口返回的内容中没有 {path}，可能是出错信息；请核对参数和签名")
        found = found[key]
    return found


def _agree(total: int | None, count: int) -> None:
    if total is not None and total != count:
        raise SourceError(f"接口称共 {total} 条记录，实际读到 {count} 条，未作接收")


def _digest(records: Sequence[Mapping[str, Any]]) -> bytes:
    return hashlib.sha256(json.dumps(records, default=str).encode()).digest()


def _write(writing: IO[str], records: Sequence[Mapping[str, Any]]) -> dict[str, None]:
    """Append records, their values as text; return their fields in order of appearance."""
    fields: dict[str, None] = {}
    for record in records:
        fields |= dict.fromkeys(record)
        writing.write(json.dumps({name: text_of(value, name) for name, value in record.items()}) + "\n")
    return fields


def _batches(reading: IO[str], fields: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    while lines := list(islice(reading, _BATCH_ROWS)):
        records = [json.loads(line) for line in lines]
        yield pa.RecordBatch.from_arrays(
            [text_array([record.get(name) for record in records], name) for name in fields], names=list(fields)
        )
