"""`python -m bench.entity_scale`: how long it takes to tell 400,000 entities apart, and what a day's changes cost."""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import psutil

from bench.entity_linkage import fresh_database
from connectors.database import Connection, connect
from connectors.sample.entities import make_entities
from connectors.sample.places import load_places
from connectors.sample.population import make_population
from connectors.settings import CHECKOUT, Settings, load_settings
from connectors.sql_text import give_memory
from linkage import changes, identities
from linkage.entities.resolve import resolve
from linkage.libraries import LEGAL_ENTITY
from linkage.step import Step, make_tables
from weihai import postgres

_AS_OF = date(2021, 9, 30)
_CHANGED = 0.001
_COLUMNS = (
    "uscc", "registration_no", "tax_no", "name", "legal_representative", "division", "address", "established_on",
)  # fmt: skip
_SHARES = {"own": (1.0, 0.95), "none": (0.4, 0.2)}
"""By what becomes of unlinked mentions: share of the entities that each of two sources mentions."""


def main() -> None:
    """Fill the mentions, link them, change one in a thousand, link again; print."""
    parser = argparse.ArgumentParser(prog="python -m bench.entity_scale", description="四十万主体归并的用时。")
    parser.add_argument("--entities", type=int, default=400_000, help="主体数")
    options = parser.parse_args()
    home = Settings(home=load_settings().home / "bench" / "entity-scale")
    server = postgres.start(home)
    try:
        with connect(fresh_database(server.dsn)) as connection:
            count = _fill(connection, options.entities)
            print(f"{options.entities:,} 个主体，{count:,} 次提及")
            with _timed(connection, "全量归并"):
                _link(connection, full=True)
            changed = _change(connection)
            with _timed(connection, f"{changed:,} 次提及有变化，增量归并"):
                _link(connection, full=False)
            [reached] = connection.execute("select count(*) from pg_temp.reached").fetchone() or (0,)
            print(f"增量重新判断的提及 {reached:,}")
            print(
                connection.execute(
                    "select method, count(*) from linkage.entity_link group by 1 order by 2 desc"
                ).fetchall()
            )
            print(
                connection.execute("select reason, count(*) from linkage.review group by 1 order by 2 desc").fetchall()
            )
    finally:
        postgres.stop(home)


@contextmanager
def _timed(connection: Connection, what: str) -> Iterator[None]:
    server = psutil.Process(connection.info.backend_pid)
    began, used, served = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF), server.cpu_times()
    yield
    spent = server.cpu_times()
    now = resource.getrusage(resource.RUSAGE_SELF)
    client = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    seconds, megabytes = time.perf_counter() - began, now.ru_maxrss / 1024
    backend = spent.user + spent.system - served.user - served.system
    print(
        f"{what}：{seconds:.1f} 秒；处理器：客户端 {client:.1f} 秒，服务器 {backend:.1f} 秒；峰值 {megabytes:,.0f} MB",
        flush=True,
    )


def _link(connection: Connection, *, full: bool) -> None:
    with TemporaryDirectory() as folder:
        give_memory(connection)
        make_tables(connection)
        step = Step(connection, LEGAL_ENTITY, full, Path(folder))
        for what, act in (("判断", resolve), ("标识", lambda s: identities.assign(s, 1)), ("变化", changes.record)):
            with _timed(connection, f"  {what}"):
                act(step)
        connection.commit()


def _fill(connection: Connection, entities: int) -> int:
    rng = np.random.default_rng(371_000)
    places = load_places(CHECKOUT / "seeds" / "divisions.csv")
    people = make_population(100_000, rng, _AS_OF, places)
    made = make_entities(entities, rng, _AS_OF, people, places).rename({"district": "division"}, strict=False)
    count = 0
    for unlinked, shares in _SHARES.items():
        for share in shares:
            source = connection.execute(
                "insert into linkage.source (library, contract_id, role, unlinked) values ('legal_entity',"
                " (select 'c' || count(*) from linkage.source), 'entity', %s) returning source_id",
                (unlinked,),
            ).fetchone()
            assert source is not None
            rows = _mentions(made, rng, share, source[0], is_register=unlinked == "own")
            statement = f"copy linkage.entity_mention ({', '.join(rows.columns)}) from stdin (format csv)"
            with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                copy.write(rows.write_csv(include_header=False))
            count += len(rows)
    connection.execute("analyze linkage.entity_mention")
    connection.commit()
    return count


def _mentions(
    made: pl.DataFrame, rng: np.random.Generator, share: float, source: int, *, is_register: bool
) -> pl.DataFrame:
    """Return one source's mentions with the sample city's errors in codes and names."""
    chosen = made.filter(pl.Series(rng.random(len(made)) < share))
    code, name = pl.Series(rng.random(len(chosen))), pl.Series(rng.random(len(chosen)))
    keys = pl.Series(rng.permutation(len(chosen)))
    wrong = pl.col("uscc").str.head(17) + pl.col("uscc").str.tail(1).replace({"1": "2"}).replace_strict(
        {"2": "2"}, default="1"
    )
    old_tax_no = pl.col("division") + pl.col("uscc").str.slice(8, 9)
    told = chosen.with_columns(
        tax_no=pl.when((code >= 0.04) & (code < 0.08)).then(old_tax_no),
        uscc=pl.when(code < 0.01).then(wrong).when(code >= 0.08).then("uscc"),
        name=pl.when(name < 0.01)
        .then(pl.col("name").str.replace("有限公司$", "有限责任公司"))
        .when(name < 0.03)
        .then(pl.col("name").str.replace("有限公司$", ""))
        .otherwise("name"),
        address=pl.when(pl.lit(is_register)).then("address"),
        established_on=pl.when(pl.lit(is_register)).then("established_on"),
        division=pl.when(pl.lit(is_register)).then("division"),
    )
    key = pl.concat_str(pl.lit(f"{source:08d}-0000-0000-0000-"), keys.cast(pl.String).str.zfill(12))
    return told.select(
        source_id=pl.lit(source), mention_key=key, record_key=key, key_no=pl.lit(1), batch_id=pl.lit(1), row_no=keys,
        as_of=pl.lit(_AS_OF), is_uscc_usable=pl.lit(value=True), **{c: pl.col(c) for c in _COLUMNS},
    )  # fmt: skip


def _change(connection: Connection) -> int:
    """Let one mention in a thousand have another representative, as the taking in of mentions would leave it."""
    connection.execute(
        "create temp table touched as select source_id, mention_key from linkage.entity_mention"
        f" where row_no % {round(1 / _CHANGED)} = 0;"
        "create temp table altered as select * from touched;"
        "create temp table before as"
        " select m.* from linkage.entity_mention m join touched using (source_id, mention_key);"
        "update linkage.entity_mention m set legal_representative = '新负责人' from touched t"
        " where t.source_id = m.source_id and t.mention_key = m.mention_key; analyze touched; analyze altered"
    )
    [changed] = connection.execute("select count(*) from pg_temp.altered").fetchone() or (0,)
    return int(changed)


if __name__ == "__main__":
    main()
