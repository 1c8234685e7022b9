"""Values of other systems as the text a department would have written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any
from uuid import UUID

import pyarrow as pa

from connectors.as_of import CITY_TIME
from connectors.sources.errors import SourceError


def text_array(values: Sequence[Any], column: str) -> pa.StringArray:
    """Return a column's values as text; a point in time is given in the city's time.

    Raises:
        SourceError: a value is of a type that has no text form, such as bytes.
    """
    kinds = set(map(type, values))
    try:
        if kinds <= {str, NoneType}:
            return pa.array(values, pa.string())
        if len(kinds) == 1:
            return pa.array(list(map(_FORMS[kinds.pop()], values)), pa.string())
        return pa.array([_FORMS[type(value)](value) for value in values], pa.string())
    except KeyError:
        raise _no_text(column, kinds) from None
    except UnicodeError:
        raise SourceError(f"来源的列 {column} 含有不是文字的字符，无法接收") from None


def text_of(value: Any, column: str) -> str | None:
    """Return one value as text.

    Raises:
        SourceError: as `text_array`.
    """
    form = _FORMS.get(type(value))
    if form is None:
        raise _no_text(column, [type(value)])
    return form(value)


def _no_text(column: str, kinds: Iterable[type]) -> SourceError:
    names = "、".join(sorted(kind.__name__ for kind in kinds if kind not in _FORMS))
    return SourceError(f"来源的列 {column} 含有不能作为文本接收的内容（{names}）")


def _float(value: float) -> str:
    return format(Decimal(repr(value)), "f")


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _moment(value: datetime) -> str:
    local = value.astimezone(CITY_TIME).replace(tzinfo=None) if value.tzinfo is not None else value
    return local.isoformat(sep=" ")


def _bool(value: bool) -> str:
    return "是" if value else "否"


def _nested(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


_FORMS: Mapping[type, Callable[[Any], str | None]] = {
    NoneType: lambda _: None,
    str: lambda value: value,
    bool: _bool,
    int: str,
    float: _float,
    Decimal: _decimal,
    date: date.isoformat,
    datetime: _moment,
    time: time.isoformat,
    UUID: str,
    dict: _nested,
    list: _nested,
}
