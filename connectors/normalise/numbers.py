"""Whole numbers, decimals, amounts of money and quantities: exact decimal arithmetic, stored with six decimals.

More than six decimals are rounded half to even; a value of 10^18 or more is no value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from fractions import Fraction

import polars as pl

from connectors.normalise.text import fold

STORED = pl.Decimal(24, 6)
_WORKING = pl.Decimal(38, 12)
_LIMIT = 10**18
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:E[+-]?\d{1,3})?|[+-]?\.\d+(?:E[+-]?\d{1,3})?"
BRACKETED = re.compile(r"[(\[{【<《][^()\[\]{}【】<>《》]*[)\]}】>》]")
_NUMBER_IN_BRACKETS = r"\(\|\)"
"""(5)万元 is minus five to a bookkeeper and five to others."""

MAGNITUDES: Mapping[str, int] = {
    "": 1,
    "十": 10,
    "百": 100,
    "千": 1_000,
    "万": 10_000,
    "十万": 100_000,
    "百万": 1_000_000,
    "千万": 10_000_000,
    "亿": 100_000_000,
    "万亿": 1_000_000_000_000,
}

CURRENCIES: Mapping[str, str] = {
    **dict.fromkeys(["元", "圆", "人民币", "人民币元", "元人民币", "CNY", "RMB", "¥"], "CNY"),
    **dict.fromkeys(["美元", "美金", "USD", "$", "US$"], "USD"),
    **dict.fromkeys(["港元", "港币", "港币元", "HKD"], "HKD"),
    **dict.fromkeys(["日元", "日币", "日圆", "JPY"], "JPY"),
    **dict.fromkeys(["韩元", "韩币", "韩圆", "KRW"], "KRW"),
    **dict.fromkeys(["欧元", "EUR", "€"], "EUR"),
    **dict.fromkeys(["英镑", "GBP", "£"], "GBP"),
    **dict.fromkeys(["澳元", "澳大利亚元", "AUD"], "AUD"),
    **dict.fromkeys(["加元", "加拿大元", "CAD"], "CAD"),
    **dict.fromkeys(["新加坡元", "新元", "新币", "SGD"], "SGD"),
    **dict.fromkeys(["新台币", "台币", "台币元", "TWD"], "TWD"),
    **dict.fromkeys(["澳门元", "澳门币", "MOP"], "MOP"),
    **dict.fromkeys(["瑞士法郎", "CHF"], "CHF"),
    **dict.fromkeys(["新西兰元", "NZD"], "NZD"),
    **dict.fromkeys(["卢布", "俄罗斯卢布", "RUB"], "RUB"),
    **dict.fromkeys(["泰铢", "THB"], "THB"),
    **dict.fromkeys(["马克", "德国马克", "DEM"], "DEM"),
    **dict.fromkeys(["法郎", "法国法郎", "FRF"], "FRF"),
}
"""Currency words of registers, as ISO 4217 codes."""


_CURRENCY_WORD = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
_AFTER_AMOUNT = re.compile(
    rf"(?P<before>{_CURRENCY_WORD})??(?P<magnitude>{'|'.join(MAGNITUDES)})(?P<after>{_CURRENCY_WORD})?整?"
)
"""What follows an amount: 万元, 万美元, 万元人民币, 人民币万元, 亿."""
_UNIT_ONLY = rf"^(?:{_CURRENCY_WORD}|[十百千万亿整()\[\]:])+$"


def _unit_table() -> Mapping[str, tuple[str, Fraction]]:
    families: Mapping[str, Mapping[str, int | Fraction | str]] = {
        "money": {"元": 1, "CNY": 1},
        "length": {"米": 1, "m": 1, "公里": 1000, "千米": 1000, "km": 1000, "厘米": Fraction(1, 100), "海里": 1852},
        "area": {
            **dict.fromkeys(["平方米", "平米", "m2", "㎡", "sqm"], 1),
            **dict.fromkeys(["公顷", "ha", "hm2"], 10_000),
            **dict.fromkeys(["平方公里", "平方千米", "km2"], 1_000_000),
            "亩": Fraction(2000, 3),
        },
        "households": {"户": 1},
        "persons": {"人": 1},
        "person_times": {"人次": 1},
        "data_rate": {
            **dict.fromkeys(["Mbit/s", "mbit/s", "Mbps", "mbps", "Mb/s", "M", "兆"], 1),
            **dict.fromkeys(["Gbit/s", "Gbps", "Gb/s", "G"], 1000),
            **dict.fromkeys(["kbit/s", "Kbps", "kb/s"], Fraction(1, 1000)),
            "MB/s": 8,
            "GB/s": 8000,
        },
        "energy": {"千瓦时": 1, "kWh": 1, "度": 1, "兆瓦时": 1000, "MWh": 1000, "GWh": 1_000_000},
        "mass": {"吨": 1, "t": 1, "千克": Fraction(1, 1000), "公斤": Fraction(1, 1000), "kg": Fraction(1, 1000)},
        "volume": {"立方米": 1, "m3": 1, "方": 1},
        "share": {"%": 1, "百分比": 1, "‰": Fraction(1, 10)},
        "time": {"秒": 1, "分钟": 60, "分": 60, "小时": 3600, "天": 86_400, "日": 86_400},
        "storage": {"MB": 1, "GB": 1024, "TB": 1024**2, "PB": 1024**3},
    }
    table: dict[str, tuple[str, Fraction]] = {}
    for family, units in families.items():
        for unit, factor in units.items():
            table[unit] = (family, Fraction(factor))
            if not unit.isascii():
                for word, magnitude in MAGNITUDES.items():
                    table.setdefault(word + unit, (family, Fraction(factor) * magnitude))
    return table


UNITS: Mapping[str, tuple[str, Fraction]] = _unit_table()
"""Known units: what they measure, and how many base units of that one of them is. MB/s counts bytes, Mb/s bits."""
_ANY_CASE = {unit.lower(): unit for unit, (family, _) in UNITS.items() if family != "data_rate"}
"""KM and KWH are what they seem; of data rates only the case tells bytes from bits."""


def normalise_int(cells: pl.Series) -> pl.DataFrame:
    """Read whole numbers; separators, `3.0` and `1.2E+3` included. Returns `value` (Int64) and `finding`."""
    number = _numbers(fold(cells))
    whole = number.cast(pl.Int64, strict=False)
    return pl.DataFrame({"number": number, "whole": whole}).select(
        value=pl.when(pl.col("whole").cast(_WORKING) == pl.col("number")).then("whole"),
        finding=pl.when(pl.col("number").is_null())
        .then(pl.lit("number_unreadable"))
        .when(pl.col("whole").is_null())
        .then(pl.lit("number_overflow"))
        .when(pl.col("whole").cast(_WORKING) != pl.col("number"))
        .then(pl.lit("number_fraction")),
    )


def normalise_decimal(cells: pl.Series) -> pl.DataFrame:
    """Read decimal numbers. Returns `value` (Decimal(24, 6)) and `finding`."""
    number = _numbers(fold(cells))
    return _fitted(number, pl.Series([None], dtype=pl.String).new_from_index(0, len(cells)), "number_unreadable")


def normalise_quantity(cells: pl.Series, unit: str, header_unit: str | None = None) -> pl.DataFrame:
    """Read numbers with or without a unit, in the column's unit.

    Args:
        cells: tidied texts, none of them empty.
        unit: the contract's.
        header_unit: the unit of bare numbers where the header names one.

    Returns:
        `value` (Decimal(24, 6), in `unit`) and `finding`.
    """
    half_width = cells.str.normalize("NFKC")
    parts = half_width.str.to_uppercase().str.extract_groups(rf"^({_NUMBER})(.*)$").struct.unnest()
    number = _numbers(parts["1"])
    suffix = half_width.str.extract(r"(?i)^[+\-\d.,]+(?:E[+-]?\d+)?\s*(.*)$").str.replace_all(r"[\s()]", "")
    ratios = {text: _ratio(text, unit, header_unit) for text in suffix.unique().drop_nulls().to_list()}
    known = {text: ratio for text, ratio in ratios.items() if ratio is not None}
    trouble = pl.DataFrame({"number": number, "suffix": suffix}).select(
        pl.when(pl.col("number").is_null())
        .then(pl.lit("number_unreadable"))
        .when(~pl.col("suffix").is_in(list(known)))
        .then(pl.lit("quantity_unit"))
    )
    return _fitted(_scaled(number, suffix, known), trouble.to_series(), "number_overflow")


def normalise_money(cells: pl.Series, unit: str, header_unit: str | None = None) -> pl.DataFrame:
    """Read amounts such as `405万人民币`, `3,100(万)`, `1,250(万美元)`, `￥5,000`.

    元, 万元 and 亿元 name the yuan; a bare 万 or 亿 names no currency, a bare number is in the column's unit.

    Args:
        cells: tidied texts, none of them empty.
        unit: the contract's (`CNY`, `万元`, …).
        header_unit: the unit of bare numbers where the header names one.

    Returns:
        `value` (Decimal(24, 6), yuan; null unless CNY), `amount` (in the currency's base unit), `currency` (ISO 4217)
        and `finding`.
    """
    text = fold(cells).str.replace_all(r"\s", "").str.to_uppercase()
    parts = text.str.extract_groups(rf"^(\D*?)({_NUMBER})(\D*)$").struct.unnest()
    around = pl.col("before") + "|" + pl.col("after")
    words = (
        pl.DataFrame({"before": parts["1"], "after": parts["3"]})
        .select(pl.when(~around.str.contains(_NUMBER_IN_BRACKETS)).then(around.str.replace_all(r"[()\[\]:]", "")))
        .to_series()
    )
    bare = header_unit or unit
    read = {text: _money_words(text, bare) for text in words.unique().drop_nulls().to_list()}
    known = {text: money for text, money in read.items() if money is not None}
    amount = _scaled(_numbers(parts["2"]), words, {text: Fraction(money[0]) for text, money in known.items()})
    currency = words.replace_strict(
        list(known), [money[1] for money in known.values()], default=None, return_dtype=pl.String
    )
    nothing = text.str.contains(_UNIT_ONLY)
    trouble = pl.DataFrame({"readable": words.is_in(list(known)), "nothing": nothing}).select(
        pl.when("nothing")
        .then(pl.lit("money_without_number"))
        .when(~pl.col("readable").fill_null(False))
        .then(pl.lit("money_unreadable"))
    )
    fitted = _fitted(amount, trouble.to_series(), "number_overflow")
    return fitted.with_columns(currency=currency).select(
        value=pl.when(pl.col("currency") == "CNY").then("value"),
        amount="value",
        currency=pl.when(pl.col("value").is_not_null()).then("currency"),
        finding=pl.when(pl.col("finding").is_null() & pl.col("currency").is_null())
        .then(pl.lit("money_without_currency"))
        .otherwise("finding"),
    )


def known_unit(text: str) -> bool:
    """Say whether a text (half-width, no spaces) is a unit that a header may name for its column."""
    return text in UNITS or (_money_words("|" + text.upper(), "") or (0, None))[1] is not None


def unit_in_brackets(header: str) -> str | None:
    """Return the unit that a header names, 金额（万元） or 长度（单位：公里）."""
    for text in BRACKETED.findall(unicodedata.normalize("NFKC", header)):
        unit = re.sub(r"^单位:?", "", text[1:-1].strip()).strip()
        if known_unit(unit):
            return unit
    return None


def same_unit(one: str, other: str) -> bool:
    """Say whether two unit texts (half-width, no spaces) mean the same unit, as 平方公里 and km2 do."""
    if one in UNITS and other in UNITS:
        return UNITS[one] == UNITS[other]
    if one in UNITS or other in UNITS:
        return False
    amounts = [_money_words("|" + text.upper(), "") if text else None for text in (one, other)]
    return one == other or (amounts[0] is not None and amounts[0] == amounts[1])


def _numbers(text: pl.Series) -> pl.Series:
    """Return folded texts that are numbers as exact decimals, others as null."""
    plain = text.str.extract(rf"^({_NUMBER})$").str.replace_all(",", "")
    return plain.cast(_WORKING, strict=False)


def _scaled(number: pl.Series, words: pl.Series, ratios: Mapping[str, Fraction]) -> pl.Series:
    """Multiply each number by the ratio of its words, exactly; null where unknown or out of range."""
    ratio = pl.DataFrame({"number": number, "words": words})
    result = pl.lit(None, dtype=_WORKING)
    for text, factor in ratios.items():
        bound = pl.lit(_LIMIT // max(1, factor.numerator // factor.denominator), dtype=_WORKING)
        fits = (pl.col("words") == text) & (pl.col("number").abs() < bound)
        exact = pl.when(fits).then("number") * factor.numerator
        if factor.denominator != 1:
            exact /= factor.denominator
        result = pl.when(fits).then(exact).otherwise(result)
    return ratio.with_columns(number=result.cast(_WORKING))["number"]


def _fitted(number: pl.Series, trouble: pl.Series, otherwise: str) -> pl.DataFrame:
    """Return the numbers as stored, with the trouble known so far, or `otherwise` where there is no number."""
    frame = pl.DataFrame({"number": number, "trouble": trouble}).with_columns(
        value=pl.when(pl.col("trouble").is_null() & (pl.col("number").abs() < pl.lit(_LIMIT, dtype=_WORKING)))
        .then("number")
        .cast(STORED, strict=False)
    )
    return frame.select(
        "value",
        finding=pl.when(pl.col("trouble").is_not_null())
        .then("trouble")
        .when(pl.col("number").is_null())
        .then(pl.lit(otherwise))
        .when(pl.col("value").is_null())
        .then(pl.lit("number_overflow")),
    )


def _ratio(suffix: str, unit: str, header_unit: str | None) -> Fraction | None:
    """How many of the column's unit one of the suffix is; None where that cannot be said."""
    written = suffix or header_unit or unit
    if written == unit:
        return Fraction(1)
    for word, magnitude in MAGNITUDES.items():
        if word and written in (word, word + unit):
            return None if _is_multiple(unit) else Fraction(magnitude)
    written = written if written in UNITS else _ANY_CASE.get(written.lower(), written)
    if written not in UNITS or unit not in UNITS or UNITS[written][0] != UNITS[unit][0]:
        return None
    return UNITS[written][1] / UNITS[unit][1]


def _is_multiple(unit: str) -> bool:
    """Say whether a unit counts by a magnitude, as 万元 does: beside it a bare 万 could mean either."""
    return any(unit.startswith(word) and unit.removeprefix(word) in UNITS for word in MAGNITUDES if word)


def _money_words(words: str, bare: str) -> tuple[int, str | None] | None:
    """Read what stands before and after an amount (`before|after`): magnitude and currency, or None."""
    before, _, after = words.partition("|")
    if not before and not after:
        return None if not bare else _money_words("|" + bare, "")
    found = _AFTER_AMOUNT.fullmatch(after)
    if found is None or (before and before not in CURRENCIES):
        return None
    currencies = {CURRENCIES[word] for word in (before, found["before"], found["after"]) if word}
    if len(currencies) > 1:
        return None
    return MAGNITUDES[found["magnitude"]], next(iter(currencies), None)
