"""`python -m bench.person_linkage`: how well and how fast persons are told apart in a sample city."""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from pathlib import Path

import polars as pl
import psycopg
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from bench import city, pairwise
from connectors.contract import Contracts, load_contracts
from connectors.database import connect, migrate
from connectors.raw_tables import ensure_raw_tables
from connectors.settings import CHECKOUT, Settings, load_settings
from linkage.run import link
from weihai import postgres

_DATABASE = "bench_persons"
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
_MENTIONS = """
    select s.contract_id as contract, s.role, b.file_name, m.row_no as row, l.person_id::text as id, l.method, l.weight
    from linkage.person_mention as m
    inner join linkage.source as s on m.source_id = s.source_id
    inner join quality.batch as b on m.batch_id = b.batch_id
    left join linkage.person_link as l on m.source_id = l.source_id and m.mention_key = l.mention_key
"""


def main() -> None:
    """Write the city, take it in, link it, compare with the truth; print."""
    parser = argparse.ArgumentParser(prog="python -m bench.person_linkage", description="自然人归并的准确率和用时。")
    parser.add_argument("--persons", type=int, default=100_000, help="样例城市的人数")
    parser.add_argument("--seed", type=int, default=city.SEED, help="样例城市的种子")
    options = parser.parse_args()
    folder = load_settings().home / "bench" / f"persons-{options.persons}-{options.seed}"
    contracts = load_contracts((CHECKOUT / "connectors" / "contracts",))
    print(f"写出 {options.persons:,} 人的样例城市（种子 {options.seed}）…", flush=True)
    city.write(folder, contracts, options.persons, seed=options.seed)
    home = Settings(home=folder / "home")
    shutil.rmtree(home.landing, ignore_errors=True)
    server = postgres.start(home)
    try:
        settings = Settings(home=folder / "home", warehouse_dsn=_fresh_database(server.dsn))
        print("接收 …", flush=True)
        with connect(settings.dsn()) as connection:
            ensure_raw_tables(connection, contracts)
            connection.commit()
        city.take_in(settings, contracts, folder)
        report(settings, contracts, folder / "truth")
    finally:
        postgres.stop(home)


def _fresh_database(dsn: str) -> str:
    """Make an empty warehouse on a server, instead of the one that an earlier bench left; return its DSN."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"drop database if exists {_DATABASE} with (force)".encode())
        connection.execute(f"create database {_DATABASE}".encode())
    facts = conninfo_to_dict(dsn)
    own = f"postgresql://{facts['user']}:{facts['password']}@{facts['host']}:{facts['port']}/{_DATABASE}"
    migrate(own)
    return own


def report(settings: Settings, contracts: Contracts, truth: Path) -> None:
    """Link everything; print time, quality, noise classes, and every false merge by the truth's number and place."""
    began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
    done = link(settings, contracts, "population", full_refresh=True)
    seconds, client = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    mentions = linked_mentions(settings.dsn(), truth)
    quality = pairwise.measure(mentions)
    table = Table(title=f"{mentions['truth'].n_unique():,} 人，{quality.mentions:,} 处提及")
    for column in ("指标", "值", "目标"):
        table.add_column(column, justify="left" if column == "指标" else "right")
    table.add_row("成对准确率", f"{quality.precision:.5f}", "≥ 0.999")
    table.add_row("成对召回率", f"{quality.recall:.5f}", "≥ 0.97")
    table.add_row(
        "应归并、已归并、归并正确（对）", f"{quality.true_pairs:,} {quality.linked_pairs:,} {quality.right_pairs:,}", ""
    )
    table.add_row("自然人标识、未归并的提及", f"{done.changed:,} {quality.unlinked:,}", "")
    table.add_row("用时、其中客户端处理器（秒）", f"{seconds:.1f} {client.ru_utime - used:.1f}", "")
    table.add_row("客户端内存峰值（MB）", f"{client.ru_maxrss / 1024:,.0f}", "")
    console = Console()
    console.print(table)
    console.print(_by_class(mentions, truth))
    wrong = _misplaced(mentions)
    print(f"误并 {len(wrong)} 处：")
    for row in wrong.iter_rows(named=True):
        weight = "" if row["weight"] is None else f"，权重 {row['weight']:.1f}"
        place = f"{row['contract']}/{row['role']} 第 {row['row']} 行"
        print(f"  第 {row['truth']} 人（{place}）归入第 {row['owner']} 人：{row['method']}{weight}")


def linked_mentions(dsn: str, truth: Path) -> pl.DataFrame:
    """Return every mention in force that the truth knows, with its `id` and `truth` (the city's number of the person).

    Args:
        dsn: the warehouse that took in the city.
        truth: the city's truth folder.
    """
    with connect(dsn) as connection, connection.cursor() as cursor:
        rows = cursor.execute(_MENTIONS).fetchall()
        names = [column.name for column in cursor.description or ()]
    found = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    known = (
        pl.read_parquet(truth / "identities.parquet")
        .filter(pl.col("person_no").is_not_null())
        .with_columns(file_name=pl.col("file").str.split("/").list.last())
        .select("contract", "role", "file_name", pl.col("row").cast(pl.Int64), truth="person_no")
        .unique(["contract", "role", "file_name", "row"])
    )
    return found.join(known, on=["contract", "role", "file_name", "row"])


def _by_class(mentions: pl.DataFrame, truth: Path) -> Table:
    """Tell for every kind of noise how many mentions are with most of their person's."""
    defects = (
        pl.read_parquet(truth / "defects.parquet")
        .filter(pl.col("defect").is_in(list(_CLASSES)))
        .with_columns(file_name=pl.col("file").str.split("/").list.last())
        .select("contract", "file_name", pl.col("row").cast(pl.Int64), "defect")
        .unique()
    )
    told = mentions.join(_main(mentions, "truth", "id"), on="truth", how="left").join(
        defects, on=["contract", "file_name", "row"], how="left"
    )
    counted = (
        told.group_by(pl.col("defect").fill_null(""))
        .agg(
            mentions=pl.len(),
            right=(pl.col("id") == pl.col("main")).fill_null(value=False).mean(),
            nobody=pl.col("id").is_null().mean(),
        )
        .sort("mentions", descending=True)
    )
    table = Table(title="各类差错")
    for column in ("差错", "提及", "归并正确", "未归并"):
        table.add_column(column, justify="left" if column == "差错" else "right")
    for defect, number, right, nobody in counted.iter_rows():
        table.add_row(_CLASSES.get(defect, "没有差错"), f"{number:,}", f"{right:.1%}", f"{nobody:.1%}")
    return table


def _misplaced(mentions: pl.DataFrame) -> pl.DataFrame:
    """Return the mentions that lie with another person's, `owner` being the person most of the id's mentions mean."""
    owners = _main(mentions, "id", "truth").rename({"main": "owner"})
    return mentions.join(owners, on="id").filter(pl.col("owner") != pl.col("truth")).sort("owner", "truth", "row")


def _main(mentions: pl.DataFrame, of: str, what: str) -> pl.DataFrame:
    """Return for every value of one column the most frequent value of another, as `main`."""
    linked = mentions.filter(pl.col("id").is_not_null())
    sizes = linked.group_by(of, what).len().sort("len", what, descending=[True, False])
    return sizes.unique(of, keep="first", maintain_order=True).select(of, main=what)


if __name__ == "__main__":
    main()
