"""Text as people typed it: invisible characters, entities, name dots and words that mean "nothing"."""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Sequence
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

_MAX_KNOWN = 200_000
"""Distinct texts that are remembered of one column."""
NAME_DOT = "\u00b7"
_UNTIDY = (
    r"[\x00-\x1f\x7f\x{85}\x{a0}\x{ad}\x{1680}\x{180e}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}\x{2060}\x{3000}\x{feff}"
    r"&•・‧∙⋅･]|^[\s']|\s$|  "
)
_INVISIBLE = r"[\x00-\x08\x0e-\x1f\x7f\x{ad}\x{180e}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}\x{feff}]"
_SPACES = r"[\s\x{85}\x{a0}\x{1680}\x{2028}\x{2029}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]+"
_DOT_IN_NAME = r"(\p{Han}|[A-Za-z])\s*[•・‧∙⋅･]\s*"
_PERSON_DOT = r"(\p{Han})\s*[•・‧∙⋅･●．.]\s*(\p{Han})"

_NOTHING = [
    "无",
    "暂无",
    "不详",
    "未知",
    "空",
    "没有",
    "无数据",
    "未填",
    "未填写",
    "待补",
    "待补充",
    "待定",
    "不明",
    "未登记",
    "—",
    "——",
    "－",
    "-",
    "--",
    "---",
    "/",
    "//",
    "\\",
    "*",
    "**",
    ".",
    "、",
    "?",
    "？",
    "N/A",
    "n/a",
    "N／A",
    "NA",
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "NULL",
    "null",
    "Null",
    "(NULL)",
    "(null)",
    "<NULL>",
    "NONE",
    "None",
    "none",
    "NaN",
    "nan",
    "NAN",
    "NIL",
    "nil",
    "UNKNOWN",
    "unknown",
    "Unknown",
    "undefined",
]
FILLERS = frozenset(digit * length for digit in "19" for length in (15, 18))
"""Digits typed to fill an identifier: 111111111111111111; numbers may really be so."""
PLACEHOLDERS = frozenset(["", *_NOTHING, *("0" * length for length in range(4, 21)), *FILLERS])
"""Texts that say there is no value, unless the column lists them among its `values`."""


def tidy(cells: pl.Series) -> pl.Series:
    """Return the texts without invisible characters, stray spaces, a leading `'`, entities or foreign name dots.

    Free text otherwise stays as typed: full-width characters are not folded. Null becomes "".
    """
    cells = cells.fill_null("")
    untidy = cells.str.contains(_UNTIDY)
    if not untidy.any():
        return cells
    places = untidy.arg_true()
    dirty = cells.gather(places)
    entities = dirty.str.contains(r"&(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]+);")
    if entities.any():
        at = entities.arg_true()
        dirty = put(dirty, at, pl.Series([html.unescape(text) for text in dirty.gather(at)], dtype=pl.String))
    clean = (
        dirty.str.replace_all(_INVISIBLE, "")
        .str.replace_all(_SPACES, " ")
        .str.strip_chars()
        .str.strip_prefix("'")
        .str.strip_chars()
        .str.replace_all(_DOT_IN_NAME, "${1}" + NAME_DOT)
    )
    return put(cells, places, clean)


def tidy_person_names(cells: pl.Series) -> pl.Series:
    """Return tidied names of persons: any dot between Han characters is the name dot, spaces between them go."""
    odd = cells.str.contains(r"\p{Han}\s*[●．. ]")
    if not odd.any():
        return cells
    places = odd.arg_true()
    names = cells.gather(places).str.replace_all(_PERSON_DOT, "${1}" + NAME_DOT + "${2}")
    for _ in range(2):
        names = names.str.replace_all(r"(\p{Han}) (\p{Han})", "${1}${2}")
    return put(cells, places, names)


def fold(cells: pl.Series) -> pl.Series:
    """Return tidied codes, numbers or dates in half-width form (NFKC) and upper case; never for names or free text."""
    wide = cells.str.contains(r"[^\x20-\x60\x7b-\x7e]")
    if not wide.any():
        return cells
    places = wide.arg_true()
    half_width = cells.gather(places).str.normalize("NFKC").str.strip_chars().str.to_uppercase()
    return put(cells, places, half_width)


def missing(cells: pl.Series, true_values: Collection[str] = ()) -> pl.Series:
    """Say which tidied texts mean that there is no value, those in `true_values` excepted."""
    return cells.is_in(_placeholders(frozenset(true_values)))


@cache
def _placeholders(true_values: frozenset[str]) -> pl.Series:
    return pl.Series(sorted(PLACEHOLDERS - true_values), dtype=pl.String).implode()


def put(series: pl.Series, places: pl.Series, values: pl.Series | str | bool) -> pl.Series:
    """Return a copy of the series with the values at the places."""
    return series.clone().scatter(places, values)


def named(choice: NDArray[np.int64], names: Sequence[str]) -> pl.Series:
    """Return `names[choice - 1]` as text, null where the choice is 0."""
    return pl.Series("finding", [None, *names], dtype=pl.String).gather(choice)


def first_true(conditions: Sequence[NDArray[np.bool_]], names: Sequence[str]) -> pl.Series:
    """Return per row the name of the first condition that holds, else null."""
    return named(first_place(conditions), names)


def first_place(conditions: Sequence[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Return per row the place, from 1, of the first condition that holds, else 0."""
    place = np.zeros(len(conditions[0]), dtype=np.int64)
    for number in range(len(conditions), 0, -1):
        place[conditions[number - 1]] = number
    return place


def over_distinct(texts: pl.Series, function: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Apply a function of distinct texts to a series with repetitions; one row per text, in order."""
    return Distinct(function).read(texts)


class Distinct:
    """A function of texts that is asked once per distinct text, however many batches they come in."""

    def __init__(self, function: Callable[[pl.Series], pl.DataFrame]) -> None:
        """Make it of a function that returns one row per text, in order."""
        self._function = function
        self._places: dict[str, int] = {}
        self._answers: pl.DataFrame | None = None

    def read(self, texts: pl.Series) -> pl.DataFrame:
        """Return one row per text, in order."""
        encoded = texts.to_arrow().dictionary_encode()
        distinct: list[str] = encoded.dictionary.to_pylist()  # type: ignore[assignment]
        if len(self._places) > _MAX_KNOWN:
            self._places, self._answers = {}, None
        fresh = [text for text in distinct if text not in self._places]
        if fresh or self._answers is None:
            answers = self._function(pl.Series(fresh, dtype=pl.String))
            self._answers = answers if self._answers is None else pl.concat([self._answers, answers])
            self._places |= {text: len(self._places) + i for i, text in enumerate(fresh)}
        known = np.fromiter((self._places[text] for text in distinct), dtype=np.uint32, count=len(distinct))
        places = pl.Series(known[np.asarray(encoded.indices)] if len(distinct) else known)
        return self._answers.select(pl.all().gather(places))
