"""Deciding in the database: reads the mentions that a change can reach, and writes down who is who."""

from __future__ import annotations

from io import BytesIO
from uuid import uuid4

import polars as pl
import polars_hash as plh

from connectors.database import Connection
from connectors.sql_text import execute
from linkage.bulk import indexed_afterwards
from linkage.entities.decide import Decision, decide
from linkage.entities.mentions import MENTION, Facts, read_facts
from linkage.step import Step

_KEY = "linkage.entity_key"
_LEADS = "(select * from linkage.entity_key union all select * from pg_temp.ruling_key)"


def resolve(step: Step) -> None:
    """Decide who is who among all mentions, or among those that the altered ones can reach (`Step`)."""
    connection = step.connection
    if step.full:
        facts = _read(connection, "")
        step.index_mentions()
        execute(connection, f"truncate {_KEY}")
        with indexed_afterwards(connection, _KEY):
            _write(connection, _KEY, _keys(facts))
        execute(connection, f"analyze {_KEY}")
    else:
        _reach(connection)
        facts = _read(
            connection, " join pg_temp.reached r on r.source_id = m.source_id and r.mention_key = m.mention_key"
        )
    _write_decision(connection, facts, decide(facts))


def _reach(connection: Connection) -> None:
    """Follow codes, names (former ones too) and decisions from altered mentions to all they lead to: `reached`."""
    altered = " join pg_temp.altered a on a.source_id = {0}.source_id and a.mention_key = {0}.mention_key"
    execute(
        connection, "drop table if exists pg_temp.reached_key; create temp table reached_key (key bigint primary key)"
    )
    execute(
        connection,
        f"with gone as (delete from {_KEY} k using pg_temp.altered a where a.source_id = k.source_id"
        " and a.mention_key = k.mention_key returning k.key)"
        " insert into pg_temp.reached_key select distinct key from gone",
    )
    _write(connection, _KEY, _keys(_read(connection, altered.format("m"))))
    execute(
        connection,
        f"insert into pg_temp.reached_key select distinct k.key from {_LEADS} k{altered.format('k')}"
        " on conflict do nothing",
    )
    execute(
        connection,
        "insert into pg_temp.reached select m.source_id, m.mention_key"
        f" from linkage.entity_mention m{altered.format('m')}",
    )
    execute(connection, "create temp table frontier on commit drop as select key from pg_temp.reached_key")
    while True:
        execute(connection, "analyze frontier; analyze reached; analyze reached_key")
        execute(
            connection,
            f"with met as (insert into pg_temp.reached select distinct k.source_id, k.mention_key from {_LEADS} k"
            " join pg_temp.frontier f on f.key = k.key on conflict do nothing returning source_id, mention_key),"
            " further as (insert into pg_temp.reached_key select distinct k.key from met"
            # looked up for each mention: how many there will be is not known, and all keys would be read
            f" cross join lateral (select l.key from {_LEADS} l where l.source_id = met.source_id"
            " and l.mention_key = met.mention_key offset 0) k on conflict do nothing returning key)"
            " select key into temp table next_frontier from further",
        )
        execute(connection, "drop table pg_temp.frontier; alter table pg_temp.next_frontier rename to frontier")
        if execute(connection, "select from pg_temp.frontier limit 1").fetchone() is None:
            break
    execute(connection, "drop table pg_temp.frontier")


def _keys(facts: Facts) -> pl.DataFrame:
    """Return `key`, `source_id`, `mention_key`: of every code and name by which mentions may be compared, hashed."""
    # who shares a credit code shares the organisation code in it, where that is right
    organisations = facts.codes.filter(pl.col("kind") == "organisation").select("i", pl.col("code").alias("inside"))
    codes = facts.codes.with_columns(inside=pl.when(pl.col("kind") == "uscc").then(pl.col("code").str.slice(8, 9)))
    codes = codes.join(organisations, on=["i", "inside"], how="anti", maintain_order="left")
    texts = pl.concat(
        [
            codes.select("i", pl.concat_str("kind", pl.lit(":"), "code").alias("text")),
            facts.names.select("i", pl.concat_str(pl.lit("name:"), "core").alias("text")),
            facts.other_names.select("i", pl.concat_str(pl.lit("name:"), "core").alias("text")),
        ]
    ).unique(maintain_order=True)
    hashed = texts.select("i", plh.col("text").nchash.xxh3_64().reinterpret(signed=True).alias("key"))
    return hashed.join(facts.mentions, on="i", maintain_order="left").select("key", "source_id", "mention_key")


def _read(connection: Connection, joined: str) -> Facts:
    """Read mentions of entities.

    Args:
        joined: SQL that confines `linkage.entity_mention m`.
    """
    columns = ", ".join("s.unlinked = 'own'" if c == "is_own" else f"m.{c}" for c in MENTION)
    query = f"select {columns} from linkage.entity_mention m join linkage.source s on s.source_id = m.source_id{joined}"
    text = BytesIO()
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)".encode()) as copy:
        for block in copy:
            text.write(block)
    if not text.tell():
        return read_facts(pl.DataFrame(schema=MENTION))
    text.seek(0)
    schema = MENTION | {"is_own": pl.String}
    mentions = pl.read_csv(text, has_header=False, schema=schema)
    return read_facts(mentions.with_columns(is_own=pl.col("is_own") == "t"))


def _write(connection: Connection, table: str, rows: pl.DataFrame) -> None:
    statement = f"copy {table} ({', '.join(rows.columns)}) from stdin (format csv)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for part in rows.iter_slices(200_000):
            copy.write(part.write_csv(include_header=False))


def _write_decision(connection: Connection, facts: Facts, decision: Decision) -> None:
    place = facts.mentions.select("i", "source_id", "mention_key")
    candidate = place.rename({c: f"candidate_{c}" for c in ("source_id", "mention_key")} | {"i": "candidate"})
    clusters = decision.decided.select(pl.col("cluster").unique(maintain_order=True))
    clusters = clusters.with_columns(key=pl.Series([str(uuid4()) for _ in range(clusters.height)], dtype=pl.String))
    decided = decision.decided.join(clusters, on="cluster", maintain_order="left")
    decided = decided.join(place, on="i", maintain_order="left")
    _write(
        connection,
        "pg_temp.decided",
        decided.select("source_id", "mention_key", "key", "method", "weight")
        .rename({"key": "cluster"})
        .sort("source_id", "mention_key"),
    )
    doubts = decision.doubts.join(place, on="i", maintain_order="left").join(
        candidate, on="candidate", maintain_order="left"
    )
    _write(
        connection,
        "pg_temp.doubt",
        doubts.select("source_id", "mention_key", "candidate_source_id", "candidate_mention_key", "reason", "weight"),
    )
