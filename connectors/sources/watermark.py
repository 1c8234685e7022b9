"""How far a source is known: the newest value of a column that grows as records change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from connectors.as_of import CITY_TIME
from connectors.sources.errors import SourceError

Kind = Literal["number", "date", "datetime", "text"]


@dataclass(frozen=True)
class Watermark:
    """A value as text, and the kind it has in the source."""

    kind: Kind
    text: str

    @classmethod
    def of(cls, value: Any, column: str) -> Watermark:
        """Return the watermark that a value of the source is.

        Raises:
            SourceError: the column's type does not grow in a way that can be compared.
        """
        match value:
            case bool():
                pass
            case int() | Decimal():
                return cls("number", str(value))
            case float():
                return cls("number", repr(value))
            case datetime():
                return cls("datetime", value.isoformat())
            case date():
                return cls("date", value.isoformat())
            case str():
                return cls("text", value)
        raise SourceError(f"水位列 {column} 的类型不能比较先后，应为时间、日期、数值或文本")

    @property
    def value(self) -> int | Decimal | date | datetime | str:
        """The value as the source has it."""
        match self.kind:
            case "number":
                number = Decimal(self.text)
                return int(number) if number == number.to_integral_value() else number
            case "date":
                return date.fromisoformat(self.text)
            case "datetime":
                return datetime.fromisoformat(self.text)
            case "text":
                return self.text

    def is_after(self, now: datetime) -> bool:
        """Say whether it is a time or date that has not come yet; a time without a zone is the city's."""
        value = self.value
        if isinstance(value, datetime):
            return value > (now if value.tzinfo is not None else now.astimezone(CITY_TIME).replace(tzinfo=None))
        return isinstance(value, date) and value > now.astimezone(CITY_TIME).date()

    def reaching_back(self, overlap: str | int | None) -> int | Decimal | date | datetime | str:
        """Return the value from which to read on.

        Args:
            overlap: as in the contract.

        Raises:
            SourceError: the overlap does not fit the column.
        """
        value = self.value
        if overlap is None:
            return value
        if isinstance(overlap, int) and isinstance(value, int | Decimal):
            return value - overlap
        if isinstance(overlap, str) and isinstance(value, date):
            number, unit = overlap.split()
            return value - timedelta(**{f"{unit.rstrip('s')}s": int(number)})
        raise SourceError("overlap 与水位列的类型不符：时间和日期列写 1 day 这样的时长，数值列写数，文本列不写")
