"""The codes of entities, told apart by their shape whatever column they stand in, and what follows from each."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connectors.normalise.identifiers import (
    ascii_matrix,
    organisation_check,
    right_ids,
    uscc_checks,
)
from connectors.normalise.standards import registration_checks
from connectors.normalise.text import fold

COLUMNS = ("uscc", "registration_no", "organisation_code", "tax_no")
"""Of a mention, in the order in which they are believed where two hold a credit code."""
CODES = {"i": pl.UInt32, "kind": pl.String, "code": pl.String, "is_checked": pl.Boolean}
_LAST_DAY = date(9999, 12, 31)


def read_codes(mentions: pl.DataFrame) -> pl.DataFrame:
    """Tell the codes of mentions apart.

    A credit code or organisation code whose check character is wrong is left out: it leads nowhere. So is what has no
    known shape, and a citizen number (of a sole trader who pays tax under it).

    Args:
        mentions: `i` and `COLUMNS`, texts as the departments wrote them.

    Returns:
        One row per mention and code (`CODES`): kind is `uscc`, `organisation` (also the one inside a credit code or an
        old tax number: characters 9-17 and 7-15), `registration` or `tax`; `is_checked`: its check character is right.
    """
    given = pl.concat(
        mentions.select("i", pl.lit(place, dtype=pl.UInt8).alias("place"), pl.col(column).alias("text")).drop_nulls()
        for place, column in enumerate(COLUMNS)
    )
    text = fold(given["text"].str.to_uppercase()).str.replace_all(r"[\s\-－—–()]", "")
    given = given.with_columns(code=text, length=text.str.len_bytes()).filter(
        pl.col("code").str.contains(r"^[0-9A-Z]+$")
    )
    credit = _credit_codes(given)
    registered, taxed = _fifteen(given)
    organisations = _organisation_codes(given)
    old = given.filter((pl.col("length") == 13) & pl.col("code").str.contains(r"^\d{13}$"))
    long = given.filter((pl.col("length") == 20) & pl.col("code").str.contains(r"^\d{17}[0-9X]\d{2}$"))
    inside = pl.concat(
        [
            credit.select("i", pl.col("code").str.slice(8, 9).alias("code")),
            taxed.select("i", pl.col("code").str.slice(6, 9).alias("code")),
            organisations.select("i", "code"),
        ]
    )
    return pl.concat(
        [
            _kind(credit, "uscc", is_checked=True),
            _kind(inside.filter(_are_organisations(inside["code"])), "organisation", is_checked=True),
            _kind(registered, "registration", is_checked=True),
            _kind(old, "registration", is_checked=False),
            _kind(long, "tax", is_checked=False),
        ]
    ).unique(maintain_order=True)


def _kind(found: pl.DataFrame, kind: str, *, is_checked: bool) -> pl.DataFrame:
    return found.select("i", pl.lit(kind).alias("kind"), "code", pl.lit(is_checked).alias("is_checked"))


def _credit_codes(given: pl.DataFrame) -> pl.DataFrame:
    """Return the right credit codes, one per mention: of the first column that holds one."""
    shaped = given.filter((pl.col("length") == 18) & pl.col("code").str.contains("^[0-9A-HJ-NPQRTUWXY]{18}$"))
    matrix = ascii_matrix(shaped["code"], 18)
    right = uscc_checks(matrix) & ~right_ids(matrix, _LAST_DAY)
    return shaped.filter(pl.Series(right)).sort("i", "place").unique("i", keep="first", maintain_order=True)


def _fifteen(given: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tell registration numbers from old tax numbers; where both checks are right, its column decides."""
    shaped = given.filter((pl.col("length") == 15) & pl.col("code").str.contains(r"^\d{6}[0-9A-Z]{8}[0-9X]$"))
    is_digits = shaped["code"].str.contains(r"^\d{15}$")
    shaped = shaped.with_columns(
        is_registration=registration_checks(shaped["code"]) & is_digits,
        is_tax=_are_organisations(shaped["code"].str.slice(6, 9)),
    )
    in_tax_column = pl.col("place") == COLUMNS.index("tax_no")
    return (
        shaped.filter(pl.col("is_registration") & ~(pl.col("is_tax") & in_tax_column)),
        shaped.filter(pl.col("is_tax") & (~pl.col("is_registration") | in_tax_column)),
    )


def _organisation_codes(given: pl.DataFrame) -> pl.DataFrame:
    shaped = given.filter((pl.col("length") == 9) & pl.col("code").str.contains("^[0-9A-Z]{8}[0-9X]$"))
    return shaped.filter(_are_organisations(shaped["code"]))


def _are_organisations(codes: pl.Series) -> pl.Series:
    """Say which texts of 9 characters are organisation codes with a right check character (GB 11714-1997)."""
    matrix = ascii_matrix(codes, 9)
    if not len(matrix):
        return pl.Series(dtype=pl.Boolean)
    return pl.Series(np.asarray(organisation_check(matrix[:, :8]) == matrix[:, 8]))
