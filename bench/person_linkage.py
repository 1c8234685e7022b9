"""How well persons are linked, against the sample city's truth: pairs of mentions, errors one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from connectors.database import connect

_CLASSES = {
    "number_missing": "号码缺失",
    "number_typo": "号码错一位",
    "number_of_15_digits": "15 位旧号码",
    "number_lower_x": "小写 x",
    "shared_number": "用了他人号码",
    "second_number": "两个号码",
    "wrong_character": "姓名错一字",
    "private_use_character": "造字区字符",
    "pinyin_stand_in": "拼音代字",
    "name_dot": "间隔号写法",
    "old_name": "旧姓名",
    "newborn_without_number": "新生儿无号码",
}
"""Defects that make a person hard to tell, and how a report names them."""


@dataclass(frozen=True)
class Quality:
    """Pairs of mentions: how many are truly, and how many were found to be, of one person.

    Attributes:
        by_class: one row per noise class: mentions, the share with the rest of their person, the share with nobody.
        false_merges: one row per mention that lies with another person's: whose it truly is, and where it stands.
    """

    mentions: int
    true_pairs: int
    found_pairs: int
    right_pairs: int
    by_class: pl.DataFrame
    false_merges: pl.DataFrame
    reviews: int

    @property
    def precision(self) -> float:
        """Share of the found pairs that are true."""
        return self.right_pairs / self.found_pairs

    @property
    def recall(self) -> float:
        """Share of the true pairs that were found."""
        return self.right_pairs / self.true_pairs


def measure(dsn: str, truth: Path, round_no: int = 1) -> Quality:
    """Compare the links with the truth of one round's files.

    Args:
        dsn: the warehouse into which `city.take_in` brought the round, linked.
        truth: the city's truth folder.
    """
    told = _linked(dsn).join(_truth(truth, round_no), on=["contract", "role", "row"], how="inner")
    # a mention that is linked to nobody is alone
    told = told.with_columns(person=pl.col("person").fill_null(pl.concat_str(pl.lit("-"), pl.col("mention"))))
    main = (
        told.group_by("person_no", "person").len().sort("len", "person", descending=[True, False])
        .group_by("person_no", maintain_order=True).first().select("person_no", main="person")
    )  # fmt: skip
    told = told.join(main, on="person_no").with_columns(
        is_main=pl.col("person") == pl.col("main"), is_nobody=pl.col("person").str.starts_with("-")
    )
    owner = (
        told.group_by("person", "person_no").len().sort("len", "person_no", descending=[True, False])
        .group_by("person", maintain_order=True).first().select("person", owner="person_no")
    )  # fmt: skip
    told = told.join(owner, on="person")
    return Quality(
        mentions=len(told),
        true_pairs=_pairs(told, "person_no"),
        found_pairs=_pairs(told, "person"),
        right_pairs=_pairs(told, "person_no", "person"),
        by_class=_by_class(told, truth, round_no),
        false_merges=told.filter(pl.col("owner") != pl.col("person_no"))
        .select("person_no", "owner", "contract", "role", "row", "method", "weight")
        .sort("owner", "person_no"),
        reviews=_count(dsn, "select count(distinct (source_id, mention_key)) from linkage.review"),
    )


def lines(quality: Quality) -> Iterator[str]:
    """Return the report line by line; no name or number stands in it."""
    yield (
        f"{quality.mentions:,} 处提及；准确率 {quality.precision:.5f}（目标 ≥ 0.999），"
        f"召回率 {quality.recall:.5f}（目标 ≥ 0.97）；待核查 {quality.reviews:,} 处"
    )
    for row in quality.by_class.iter_rows(named=True):
        yield (
            f"  {_CLASSES.get(row['defect'], row['defect'])}：{row['mentions']:,} 处，归并正确 {row['right']:.1%}，"
            f"未归并 {row['nobody']:.1%}"
        )
    yield f"错误归并 {len(quality.false_merges):,} 处："
    for row in quality.false_merges.iter_rows(named=True):
        weight = "" if row["weight"] is None else f"，权重 {row['weight']:.1f}"
        yield (
            f"  第 {row['person_no']} 人（{row['contract']}/{row['role']} 第 {row['row']} 行）"
            f"归入第 {row['owner']} 人：{row['method']}{weight}"
        )


def _linked(dsn: str) -> pl.DataFrame:
    with connect(dsn) as connection:
        rows = connection.execute(
            "select s.contract_id, s.role, m.row_no, m.source_id || ':' || m.mention_key, l.person_id::text, l.method,"
            " l.weight from linkage.person_mention m join linkage.source s on s.source_id = m.source_id"
            " left join linkage.person_link l on l.source_id = m.source_id and l.mention_key = m.mention_key"
        ).fetchall()
    schema = {
        "contract": pl.String, "role": pl.String, "row": pl.Int64, "mention": pl.String, "person": pl.String,
        "method": pl.String, "weight": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _truth(truth: Path, round_no: int) -> pl.DataFrame:
    return (
        pl.read_parquet(truth / "identities.parquet")
        .filter((pl.col("round_no") == round_no) & pl.col("person_no").is_not_null())
        .select("contract", "role", "row", "person_no")
        .unique(["contract", "role", "row"])
    )


def _pairs(told: pl.DataFrame, *by: str) -> int:
    size = told.group_by(*by).len()["len"].cast(pl.Int64)
    return int((size * (size - 1) // 2).sum())


def _by_class(told: pl.DataFrame, truth: Path, round_no: int) -> pl.DataFrame:
    defects = (
        pl.read_parquet(truth / "defects.parquet")
        .filter((pl.col("round_no") == round_no) & pl.col("defect").is_in(list(_CLASSES)))
        .select("contract", "row", "defect")
        .unique()
    )
    found = told.join(defects, on=["contract", "row"], how="left").with_columns(pl.col("defect").fill_null("—"))
    return (
        found.group_by("defect")
        .agg(mentions=pl.len(), right=pl.col("is_main").mean(), nobody=pl.col("is_nobody").mean())
        .sort("mentions", descending=True)
    )


def _count(dsn: str, query: str) -> int:
    with connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
