"""Names of entities in the form in which they are compared; they support other evidence and decide nothing alone."""

from __future__ import annotations

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

_SLIPS = 1
"""Most characters in which one name written twice may differ; names of a trade differ in little more than two."""
_LONG_ENOUGH = 4
"""Least length of a core of which a slip, or a longer form, still says the same name."""
_ORDINAL = r"第?([一二三四五六七八九十百\d]+)"
"""第一, 第八, 3: they tell the units of one body apart."""
_REMARK = r"\((已?(注销|吊销|迁出|停业|歇业|清算)|筹建?|曾用名[^()]*)\)"
_NO_PLACE = "集团|合伙|普通合伙|有限合伙|特殊普通合伙|股份|个人独资|控股|中国|筹|总部|本部"
"""What stands in brackets and is no place: it stays where it is."""
_PUNCTUATION = r"[\s()·.,、，。;:'\"*&/\\\-_—–“”‘’!?#]"
_FORM = r"(股份有限公司|有限责任公司|有限公司|股份公司)$"
_HEAD_AND_BRANCH = r"^(.*(?:公司|合作社|总厂|总店))(.+)$"
"""A branch's name is its head's name, whole, and what the branch adds to it."""
_BRANCH_MARK = "#"
_BRANCH_WORDS = "(分公司|分厂|分校|分部|分社|分行|支行|支局|分理处|办事处|营业部|门市部|经营部|[店站所部])$"
"""How what a branch adds ends, where its head's name does not say where it ends itself."""


def normalise_names(names: pl.Series) -> pl.DataFrame:
    """Bring names into comparable form.

    Half-width brackets and letters; no spaces, punctuation, remarks (已注销); 威海市… and …（威海）… as 威海…; the
    legal form (有限公司, 有限责任公司, 股份有限公司) taken off. A branch keeps what it adds to its head's name behind
    `#`, so that it never equals its head office.

    Args:
        names: as the departments wrote them; null where there is none.

    Returns:
        `core` (null where nothing is left) and `form` (`limited`, `joint_stock` or null).
    """
    distinct = names.unique().drop_nulls()
    text = distinct.str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[〔\[【《<「]", "(")
    text = text.str.replace_all(r"[〕\]】》>」]", ")").str.replace_all(_REMARK, "").str.replace_all(r"\s", "")
    text = text.str.replace_all(r"\(\)", "")
    frame = pl.DataFrame({"name": distinct, "text": text}).with_columns(
        inside=pl.col("text").str.extract(r"^[^()]+\((\p{Han}{2,8}?)[市县区]?\)"),
    )
    is_place = pl.col("inside").is_not_null() & ~pl.col("inside").str.contains(f"^({_NO_PLACE})$")
    moved = pl.concat_str("inside", pl.col("text").str.replace(r"\(\p{Han}{2,8}\)", ""))
    frame = (
        frame.with_columns(text=pl.when(is_place).then(moved).otherwise("text"))
        .with_columns(text=pl.col("text").str.replace_all(_PUNCTUATION, ""))
        .with_columns(text=pl.col("text").str.replace(r"^(\p{Han}{2,3})省", "${1}"))
        .with_columns(text=pl.col("text").str.replace(r"^(山东)?(\p{Han}{2})市(\p{Han}{2})", "${1}${2}${3}"))
        .with_columns(
            head=pl.col("text").str.extract(_HEAD_AND_BRANCH, 1), branch=pl.col("text").str.extract(_HEAD_AND_BRANCH, 2)
        )
        .with_columns(whole=pl.coalesce("head", "text"))
        .with_columns(
            bare=pl.col("whole").str.replace(_FORM, ""),
            form=pl.when(pl.col("branch").is_null()).then(
                pl.col("whole")
                .str.extract(_FORM, 1)
                .replace_strict(
                    {
                        "有限公司": "limited",
                        "有限责任公司": "limited",
                        "股份有限公司": "joint_stock",
                        "股份公司": "joint_stock",
                    },
                    default=None,
                    return_dtype=pl.String,
                )
            ),
        )
        .with_columns(core=pl.concat_str("bare", pl.lit(_BRANCH_MARK), "branch"))
        .with_columns(core=pl.coalesce("core", "bare"))
        .with_columns(core=pl.when(pl.col("core") != "").then("core"))
    )
    return (
        pl.DataFrame({"name": names})
        .join(frame.select("name", "core", "form"), on="name", how="left", maintain_order="left")
        .select("core", "form")
    )


def are_alike(left: pl.Series, right: pl.Series) -> pl.Series:
    """Say of pairs of cores whether they may be one name written twice; otherwise they clearly differ.

    A branch is like the same branch only, never like its head office. Null is like nothing.
    """
    frame = pl.DataFrame({"l": left, "r": right}).with_columns(
        l_branch=pl.col("l").str.extract(f"{_BRANCH_MARK}(.*)$", 1).fill_null(""),
        r_branch=pl.col("r").str.extract(f"{_BRANCH_MARK}(.*)$", 1).fill_null(""),
    )
    left_is_longer = pl.col("l").str.len_chars() > pl.col("r").str.len_chars()
    longer, shorter = pl.when(left_is_longer).then("l").otherwise("r"), pl.when(left_is_longer).then("r").otherwise("l")
    slips = process.cpdist(
        left.fill_null("").to_list(), right.fill_null("").to_list(), scorer=Levenshtein.distance, score_cutoff=_SLIPS
    )
    frame = frame.with_columns(
        is_long=shorter.str.len_chars() >= _LONG_ENOUGH,
        within=longer.str.contains(shorter, literal=True),
        added=longer.str.strip_prefix(shorter),
        close=pl.Series(slips <= _SLIPS),
        same_ordinals=pl.col("l").str.extract_all(_ORDINAL) == pl.col("r").str.extract_all(_ORDINAL),
    )
    is_branch = longer.str.starts_with(shorter) & pl.col("added").str.contains(_BRANCH_WORDS)
    may_be = pl.col("is_long") & (pl.col("within") | pl.col("close")) & pl.col("same_ordinals") & ~is_branch
    may_be &= pl.col("l_branch") == pl.col("r_branch")
    return frame.select(alike=((pl.col("l") == pl.col("r")) | may_be).fill_null(value=False)).to_series()


def split_names(names: pl.Series) -> pl.Series:
    """Return the names that one cell lists (第二名称、第三名称, with their labels taken off), as lists."""
    text = names.str.replace_all(r"第[一二三四五六七八九十]名称[:：]?", "、").str.replace_all("曾用名[:：]?", "")
    return (
        text.str.replace_all(r"[；;，,\n/|]", "、").str.split("、").list.eval(pl.element().filter(pl.element() != ""))
    )
