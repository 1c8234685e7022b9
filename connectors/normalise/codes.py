"""Words that stand for codes: code lists, yes and no, administrative divisions (GB/T 2260)."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from connectors.contract import CodeList
from connectors.normalise.text import fold

_TRUE = ["是", "有", "1", "Y", "YES", "TRUE", "T", "真", "对", "√", "✓", "✔", "V", "已"]
_FALSE = ["否", "无", "0", "N", "NO", "FALSE", "F", "假", "错", "×", "✗", "✘", "X", "没有", "未", "不是"]
DIVISIONS_FILE = Path(__file__).resolve().parents[2] / "seeds" / "divisions.csv"
_CITY = "3710"
_HIGHER = (r"^(中国)?(山东省)", r"^(中国)?(山东省?)?(威海市?)?")


@dataclass(frozen=True)
class Divisions:
    """The city's divisions, abolished ones included.

    Attributes:
        codes: all known codes.
        names: name or alias to code; a name on several codes means the current one, else the latest.
    """

    codes: frozenset[str]
    names: Mapping[str, str]


@cache
def load_divisions(path: Path = DIVISIONS_FILE) -> Divisions:
    """Read the division seed; without the file nothing is known."""
    if not path.is_file():
        return Divisions(frozenset(), {})
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names: dict[str, str] = {}
    for row in sorted(
        rows, key=lambda r: (r.get("is_current") == "true", len(r["code"]) == 6, r.get("last_seen") or "")
    ):
        for name in (row["name"], *(row.get("aliases") or "").split("|")):
            if name:
                names[name] = row["code"]
    return Divisions(frozenset(row["code"] for row in rows), names)


def normalise_code(cells: pl.Series, codes: CodeList) -> pl.DataFrame:
    """Map words, codes and other wordings to the list's words.

    Args:
        cells: tidied texts, none of them empty.
        codes: the list.

    Returns:
        `value` (String, null where the word is not in the list) and `finding`.
    """
    return _mapped(_word(cells), _lookup(codes), "code_unknown")


def known_word(cells: pl.Series, codes: CodeList) -> pl.Series:
    """Say which texts a code list knows: such a text is never a placeholder."""
    return _word(cells).is_in(list(_lookup(codes)))


def normalise_bool(
    cells: pl.Series, true_words: Collection[str] = (), false_words: Collection[str] = ()
) -> pl.DataFrame:
    """Read yes and no, in general words and in the column's own.

    Returns:
        `value` (Boolean) and `finding`.
    """
    table = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
    for words, truth in ((true_words, True), (false_words, False)):
        table |= dict.fromkeys(_word(pl.Series(list(words), dtype=pl.String)), truth)
    value = _word(cells).replace_strict(table, default=None, return_dtype=pl.Boolean)
    return pl.DataFrame({"value": value}).with_columns(
        finding=pl.when(pl.col("value").is_null()).then(pl.lit("bool_unknown"))
    )


def known_bool(cells: pl.Series) -> pl.Series:
    """Say which texts mean yes or no, 无 included."""
    return _word(cells).is_in([*_TRUE, *_FALSE])


def normalise_division(cells: pl.Series, divisions: Divisions) -> pl.DataFrame:
    """Read division codes of 6, 9 or 12 digits, or the names of the city's divisions.

    Codes of the city are known from the seed, abolished ones are valid for ever; of others only the shape is judged.

    Returns:
        `value` (String of digits) and `finding`.
    """
    text = fold(cells).str.replace_all(r"\s", "").str.strip_suffix(".0")
    code = text.str.extract(r"^(\d{12}|\d{9}|\d{6})$")
    forms = [text, *(text.str.replace(higher, "") for higher in _HIGHER)]
    named = pl.select(pl.coalesce(_named(form, divisions) for form in forms)).to_series()
    frame = pl.DataFrame({"code": code, "named": named})
    known = pl.col("code").is_in(list(divisions.codes)) | pl.col("code").str.slice(0, 6).is_in(list(divisions.codes))
    elsewhere = pl.col("code").str.contains("^[1-8]") & ~pl.col("code").str.starts_with(_CITY)
    return frame.select(
        value=pl.coalesce("code", "named"),
        finding=pl.when(pl.coalesce("code", "named").is_null())
        .then(pl.lit("division_unreadable"))
        .when(pl.col("code").is_not_null() & ~known & ~elsewhere)
        .then(pl.lit("division_unknown")),
    )


def _named(text: pl.Series, divisions: Divisions) -> pl.Series:
    return text.replace_strict(dict(divisions.names), default=None, return_dtype=pl.String)


def _word(cells: pl.Series) -> pl.Series:
    return fold(cells.str.to_uppercase()).str.replace_all(r"\s", "").str.strip_suffix(".0")


def _lookup(codes: CodeList) -> Mapping[str, str]:
    written = [(text, word) for word, aliases in codes.words.items() for text in (word, *aliases)]
    keys = _word(pl.Series([text for text, _ in written], dtype=pl.String)).to_list()
    return dict(zip(keys, (word for _, word in written), strict=True))


def _mapped(text: pl.Series, lookup: Mapping[str, str], finding: str) -> pl.DataFrame:
    value = text.replace_strict(dict(lookup), default=None, return_dtype=pl.String)
    return pl.DataFrame({"value": value}).with_columns(finding=pl.when(pl.col("value").is_null()).then(pl.lit(finding)))
