"""`python -m bench.entity_linkage`: how well and how fast legal entities are told apart in a sample city."""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import polars as pl
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console
from rich.table import Table

from bench import city, pairwise
from connectors.contract import Contracts, load_contracts
from connectors.database import connect, migrate
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings, load_settings
from linkage.run import link
from weihai import postgres

_DATABASE = "bench_entities"
_MENTIONS = """
    select s.contract_id as contract, b.file_name, m.row_no, m.uscc, m.registration_no, m.tax_no, m.name,
        m.legal_representative, m.established_on, l.entity_id::text as id, l.method, l.weight, r.reason,
        r.candidate_id::text as candidate
    from linkage.entity_mention as m
    inner join linkage.source as s on m.source_id = s.source_id
    inner join quality.batch as b on m.batch_id = b.batch_id
    left join linkage.entity_link as l on m.source_id = l.source_id and m.mention_key = l.mention_key
    left join lateral (
        select r.reason, r.candidate_id from linkage.review as r
        where r.library = 'legal_entity' and r.source_id = m.source_id and r.mention_key = m.mention_key
        order by r.weight desc nulls last, r.candidate_id limit 1
    ) as r on true
"""


def main() -> None:
    """Write the city, take it in, link it, compare with the truth; print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.entity_linkage", description="法人归并的准确率、召回率和用时。"
    )
    parser.add_argument("--persons", type=int, default=100_000, help="样例城市的人数")
    parser.add_argument("--seed", type=int, default=city.SEED, help="样例城市的种子")
    options = parser.parse_args()
    folder = load_settings().home / "bench" / f"entities-{options.persons}-{options.seed}"
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    print(f"写出 {options.persons:,} 人的样例城市（种子 {options.seed}）…", flush=True)
    city.write(folder, speaking_of_entities(contracts), options.persons, seed=options.seed)
    home = Settings(home=folder / "home")
    shutil.rmtree(home.landing, ignore_errors=True)
    server = postgres.start(home)
    try:
        dsn = fresh_database(server.dsn)
        settings = Settings(home=folder / "home", warehouse_dsn=dsn)
        print("接收 …", flush=True)
        with connect(dsn) as connection:
            ensure_raw_tables(connection, contracts)
            connection.commit()
        city.take_in(settings, contracts, folder)
        report(settings, contracts, folder)
    finally:
        postgres.stop(home)


def speaking_of_entities(contracts: Contracts) -> Contracts:
    """Return the contracts that mention entities."""
    chosen = {c.id: c for c in contracts.values() if any(m.library == "legal_entity" for m in c.mentions.values())}
    return Contracts(chosen, contracts.codes)


def fresh_database(dsn: str) -> str:
    """Make an empty warehouse on a server, instead of the one that an earlier bench left; return its DSN."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"drop database if exists {_DATABASE} with (force)".encode())
        connection.execute(f"create database {_DATABASE}".encode())
    own = make_conninfo("", **(conninfo_to_dict(dsn) | {"dbname": _DATABASE}))
    migrate(own)
    return own


def report(settings: Settings, contracts: Contracts, folder: Path) -> None:
    """Link, and print quality, false merges and reviews."""
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
    done = link(settings, contracts, "legal_entity", full_refresh=True)
    seconds = time.perf_counter() - began
    client = resource.getrusage(resource.RUSAGE_SELF)
    mentions = linked_mentions(settings, folder)
    quality = pairwise.measure(mentions)
    table = Table(title=f"{mentions['truth'].n_unique():,} 个主体，{quality.mentions:,} 次提及")
    for column in ("指标", "值", "目标"):
        table.add_column(column, justify="left" if column == "指标" else "right")
    table.add_row("成对准确率", f"{quality.precision:.5f}", "≥ 0.999")
    table.add_row("成对召回率", f"{quality.recall:.5f}", "≥ 0.98")
    table.add_row(
        "应归并、已归并、归并正确（对）", f"{quality.true_pairs:,} {quality.linked_pairs:,} {quality.right_pairs:,}", ""
    )
    table.add_row("主体标识、未归并的提及", f"{done.changed:,} {quality.unlinked:,}", "")
    table.add_row("用时、其中客户端处理器（秒）", f"{seconds:.1f} {client.ru_utime - used:.1f}", "")
    table.add_row("客户端内存峰值（MB）", f"{client.ru_maxrss / 1024:,.0f}", "")
    Console().print(table)
    merged = pairwise.false_merges(mentions)
    print(f"误并的标识 {merged['id'].n_unique()} 个：")
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=40, tbl_width_chars=240):
        shown = ("id", "truth", "contract", "row_no", "method", "weight", "name")
        print(merged.select(pl.col("id").str.slice(0, 8), *shown[1:]))
        print(_missed(mentions))
        print(_reviews(mentions))


def linked_mentions(settings: Settings, folder: Path) -> pl.DataFrame:
    """Return every mention in force with its `id` and its `truth` (the city's number of the entity)."""
    with connect(settings.dsn()) as connection, connection.cursor() as cursor:
        rows = cursor.execute(_MENTIONS).fetchall()
        names = [column.name for column in cursor.description or ()]
    found = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    truth = (
        pl.read_parquet(folder / "truth" / "identities.parquet")
        .filter(pl.col("role") == "entity")
        .with_columns(file_name=pl.col("file").str.split("/").list.last())
        .select("contract", "file_name", pl.col("row").alias("row_no"), pl.col("entity_no").alias("truth"))
        .unique(["contract", "file_name", "row_no"])
    )
    return found.join(truth, on=["contract", "file_name", "row_no"], how="left").with_columns(
        # whom the truth does not name is told apart from everybody
        truth=pl.coalesce("truth", -1 - pl.int_range(pl.len(), dtype=pl.Int32))
    )


def _missed(mentions: pl.DataFrame) -> pl.DataFrame:
    """Count the mentions that are not with most of their entity's, by contract, how they were linked, and why not."""
    main = (
        mentions.filter(pl.col("id").is_not_null())
        .group_by("truth", "id")
        .len()
        .sort("len", "id", descending=[True, False])
        .unique("truth", keep="first", maintain_order=True)
        .select("truth", pl.col("id").alias("main"))
    )
    missed = mentions.join(main, on="truth").filter(pl.col("id").ne_missing(pl.col("main")))
    return (
        missed.group_by("contract", "method", "reason")
        .agg(pl.len().alias("missed"), pl.col("name").first().alias("for_example"))
        .sort("missed", descending=True)
    )


def _reviews(mentions: pl.DataFrame) -> pl.DataFrame:
    """Count the reviews by reason, and in how many the first candidate is truly meant."""
    meant = (
        mentions.filter(pl.col("id").is_not_null())
        .select(pl.col("id").alias("candidate"), pl.col("truth").alias("is"))
        .unique()
    )
    told = mentions.filter(pl.col("reason").is_not_null()).with_row_index("n")
    right = (
        told.join(meant, on="candidate", how="left")
        .group_by("n", "reason")
        .agg((pl.col("truth") == pl.col("is")).any())
    )
    return right.group_by("reason").agg(pl.len().alias("reviews"), pl.col("truth").sum().alias("candidate_is_meant"))


if __name__ == "__main__":
    main()
