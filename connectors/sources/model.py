"""What a contract states about a database or an HTTP interface from which its rows are pulled."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ConnectionId = Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]|\{department\}){1,200}$")]
Path = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
"""Keys of nested JSON objects, joined by dots: `data.list`."""
Parameter = Annotated[str, Field(min_length=1, max_length=100)]
Duration = Annotated[str, Field(pattern=r"^[1-9]\d{0,3} (second|minute|hour|day)s?$")]

_TABLE = re.compile(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*)?")
_QUESTION = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


class Stated(BaseModel):
    """A model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SqlSource(Stated):
    """A table or a query of a database."""

    kind: Literal["sql"]
    connection: ConnectionId
    """Id of the Airflow connection; address and password stand there, never here. `{department}` is the deliverer."""
    table: str | None = None
    """Table or view, with its schema where needed: `archive.marriage`."""
    query: str | None = None
    """Instead of `table`: one SELECT statement; run read-only."""
    mode: Literal["full", "watermark"] = "full"
    """`full`: everything, every time; `watermark`: what was added or changed since the last accepted delivery."""
    watermark: str | None = None
    """Column of the source that only grows as records are added or changed: a time of change, a sequence number."""
    overlap: Duration | Annotated[int, Field(ge=0)] | None = None
    """How far to reach back behind the watermark for late commits: `1 day`, or a number for a numeric column."""
    batch_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Rows fetched and held in memory at a time."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("table 和 query 须给出其一，且只能给出其一")
        if self.table is not None and _TABLE.fullmatch(self.table) is None:
            raise ValueError("table 应写作 表名 或 模式名.表名")
        if self.query is not None and (_QUESTION.match(self.query) is None or ";" in self.query.strip().rstrip(";")):
            raise ValueError("query 应为一条 SELECT 语句")
        if (self.mode == "watermark") != (self.watermark is not None):
            raise ValueError("watermark 只用于 mode: watermark，且必须给出")
        if self.overlap is not None and self.watermark is None:
            raise ValueError("overlap 只用于 mode: watermark")
        return self

    @property
    def digest(self) -> str:
        """16 hex digits that change when other rows, or rows in another order of change, are asked for."""
        text = repr((self.connection, self.table, self.query, self.watermark))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class PageNumbers(Stated):
    """Pages are asked for by number; the end is where `total` records are in, or else an empty page."""

    kind: Literal["page"]
    page: Parameter = "page"
    """Parameter that takes the page's number."""
    size: Parameter = "size"
    """Parameter that takes the number of records per page."""
    rows: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Records per page."""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    """Number of the first page."""


class Offsets(Stated):
    """Pages are asked for by how many records come before; the end as with page numbers."""

    kind: Literal["offset"]
    offset: Parameter = "offset"
    """Parameter that takes the number of records to skip."""
    limit: Parameter = "limit"
    """Parameter that takes the number of records per page."""
    rows: Annotated[int, Field(ge=1, le=100_000)] = 500
    """Records per page."""


class NextField(Stated):
    """Every answer says where the next page is; the end is where it says nothing."""

    kind: Literal["next"]
    field: Path
    """Where in the answer the link or cursor stands."""
    param: Parameter | None = None
    """Parameter that takes the cursor; without it the field holds a link, which must lead to the same server."""


class HttpSource(Stated):
    """An HTTP interface that answers in JSON."""

    kind: Literal["http"]
    connection: ConnectionId
    """Id of the Airflow connection; address, account and secret stand there. `{department}` is the deliverer."""
    path: Annotated[str, Field(pattern=r"^/[^\s?#]*$")]
    """Path below the connection's address."""
    method: Literal["GET", "POST"] = "GET"
    """With POST the parameters are sent as a JSON body."""
    params: dict[Parameter, str | int] = {}
    """Fixed parameters; `{as_of}` stands for the business date of the pull, `{year}` and `{month}` for parts of it."""
    records: Path | None = None
    """Where in the answer the array of records stands; without it the answer is the array."""
    total: Path | None = None
    """Where in the answer the number of all records stands; what is read must agree with it."""
    paging: Annotated[PageNumbers | Offsets | NextField, Field(discriminator="kind")] | None = None
    """How to get at the next page; without it there is one."""
    max_pages: Annotated[int, Field(ge=1)] = 10_000
    """A source with more pages than this counts as broken."""
    signature: Annotated[str, Field(pattern=r"^(none|hmac_sha256|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")] = "none"
    """`none` (basic authentication where there is an account), `hmac_sha256`, or `package.module:function`."""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30
    """How long the server may be silent."""

    @model_validator(mode="after")
    def _verifiable(self) -> Self:
        own = {
            PageNumbers: lambda p: {p.page, p.size},
            Offsets: lambda p: {p.offset, p.limit},
            NextField: lambda p: {p.param} if p.param is not None else set(),
        }
        if self.paging is not None and (twice := sorted(own[type(self.paging)](self.paging) & set(self.params))):
            raise ValueError(f"翻页参数不能同时写在 params 中：{'、'.join(twice)}")
        for value in self.params.values():
            filled(value, {"as_of": "", "year": "", "month": ""})
        return self


Source = Annotated[SqlSource | HttpSource, Field(discriminator="kind")]


def filled(value: str | int, words: dict[str, str]) -> str:
    """Return a parameter with its placeholders replaced.

    Raises:
        ValueError: it names a placeholder that there is not.
    """
    text = str(value)
    if unknown := sorted(set(re.findall(r"\{(\w+)\}", text)) - set(words)):
        raise ValueError(f"没有占位符 {{{unknown[0]}}}，只能用：{'、'.join(f'{{{w}}}' for w in words)}")
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text)
