"""Deciding which mentions mean the same person: by numbers, then by the model where a number does not say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from connectors.sql_text import execute
from linkage.persons import blocking, deciding, engines, numbers, weighing
from linkage.persons.engines import Engine
from linkage.persons.model import Model, load
from linkage.step import Step

_PAIR = "linkage.person_pair"
_AMONG_RENEWED = " and m.id_no in (select id_no from pg_temp.renewed_number)"


def resolve(step: Step) -> None:
    """Decide on all mentions, or on those that changed ones reach through numbers and pairs.

    What is decided is a function of the mentions alone: pairs are weighed by fixed parameters and kept in
    `linkage.person_pair`, so that only pairs with a changed item are weighed again.
    """
    model = load()
    facts = _sources(step)
    rank = {contract: n for n, contract in enumerate(model.trust)}
    trust = {number: rank[contract] for (contract, _), number in facts.items() if contract in rank}
    base = [number for (contract, _), number in facts.items() if contract in model.base_registers]
    once = {number for (contract, role), number in facts.items() if f"{contract}/{role}" in model.once}
    if step.full:
        _resolve_all(step, model, trust, base, once)
    else:
        _find_renewed_numbers(step)
        server = engines.Server(step.connection)
        numbers.find_contradicted(server, trust, among=_AMONG_RENEWED)
        _renew_weak(step, server, base)
        _renew_pairs(step, model, once)
        _find_reached(step)
        _decide(step, server, model, once)
        _answer(step, server)


def _resolve_all(
    step: Step, model: Model, trust: Mapping[int, int], base: Collection[int], once: Collection[int]
) -> None:
    """Decide on all mentions: in DuckDB by the same statements, while PostgreSQL makes the indexes of the mentions."""
    connection = step.connection
    execute(connection, "truncate linkage.person_weak, linkage.person_weak_key, linkage.person_pair")
    path = step.folder / "mention.csv"
    engines.write(connection, engines.ALL_MENTIONS, path)
    unlinked = execute(connection, "select source_id, unlinked from linkage.source").fetchall()
    with engines.opened(step.folder) as database, ThreadPoolExecutor(1) as pool:
        indexed = pool.submit(step.index_mentions)
        columns = engines.read_all(database, path, unlinked)
        numbers.find_contradicted(columns, trust, among="")
        _renew_weak(step, columns, base)
        if blocking.find_pairs(columns, full=True):
            weighing.find_told(database)
            columns.run(f"insert into {_PAIR} {weighing.weigh(database, model, once)}")
        # while it is decided by pairs, the server takes them in; it has one connection: after the indexes
        kept = pool.submit(engines.give_back, database.cursor(), connection, step.folder, engines.KEPT)
        _decide(step, columns, model, once)
        _answer(step, columns)
        indexed.result()
        kept.result()
        engines.give_back(database, connection, step.folder, engines.ANSWERS)


def _sources(step: Step) -> dict[tuple[str, str], int]:
    found = execute(
        step.connection, "select contract_id, role, source_id from linkage.source where library = 'population'"
    )
    return {(contract, role): number for contract, role, number in found}


def _find_renewed_numbers(step: Step) -> None:
    """`renewed_number`: numbers of altered mentions, as they were and as they are; `renewed_mention`: all on them.

    A child's mention has its household from its parents': it is altered with theirs.
    """
    connection = step.connection
    for name in ("renewed_number", "renewed_mention"):
        execute(connection, f"drop table if exists pg_temp.{name}")
    execute(
        connection,
        "create temp table renewed_number as select b.id_no from pg_temp.before b join pg_temp.altered a"
        " on a.source_id = b.source_id and a.mention_key = b.mention_key where b.is_id_usable"
        " union select m.id_no from linkage.person_mention m join pg_temp.altered a"
        " on a.source_id = m.source_id and a.mention_key = m.mention_key where m.is_id_usable",
    )
    execute(connection, "analyze renewed_number")
    execute(
        connection,
        "create temp table renewed_mention as select source_id, mention_key from pg_temp.altered"
        " union select m.source_id, m.mention_key from linkage.person_mention m"
        " where m.is_id_usable and m.id_no in (select id_no from pg_temp.renewed_number)"
        " union select m.source_id, m.mention_key from linkage.person_mention m"
        " where m.mother_id_no in (select id_no from pg_temp.renewed_number)"
        " union select m.source_id, m.mention_key from linkage.person_mention m"
        " where m.father_id_no in (select id_no from pg_temp.renewed_number)",
    )
    execute(connection, "analyze renewed_mention")


def _renew_weak(step: Step, engine: Engine, base: Collection[int]) -> None:
    """`linkage.person_weak` and its keys; `renewed`: the items that are new, gone or changed."""
    among, only = "", ""
    if not step.full:
        engine.run("drop table if exists pg_temp.renewed")
        engine.run(
            "create temp table renewed as with gone as (delete from linkage.person_weak w"
            " using pg_temp.renewed_mention r where r.source_id = w.source_id and r.mention_key = w.mention_key"
            " returning w.item)"
            " select item from gone union select id_no from pg_temp.renewed_number",
        )
        among = _AMONG_RENEWED
        only = " and (m.source_id, m.mention_key) in (select source_id, mention_key from pg_temp.renewed_mention)"
    engine.run(
        "insert into linkage.person_weak with bearer as ("
        "select m.id_no, m.source_id from linkage.person_mention m left join pg_temp.contradicted c"
        f" on c.source_id = m.source_id and c.mention_key = m.mention_key where m.is_id_usable{among}"
        " and c.source_id is null),"
        " lone as (select id_no from bearer group by id_no"
        f" having count(*) = 1 and not bool_or(source_id in ({', '.join(map(str, (-1, *base)))})))"
        " select m.source_id, m.mention_key, case when m.is_id_usable and c.source_id is null then m.id_no"
        " else m.source_id::text || ':' || m.mention_key::text end"
        " from linkage.person_mention m left join pg_temp.contradicted c"
        " on c.source_id = m.source_id and c.mention_key = m.mention_key"
        f" where (not m.is_id_usable or c.source_id is not null or m.id_no in (select id_no from lone)){only}",
    )
    engine.analyze("linkage.person_weak")
    if not step.full:
        engine.run(
            "insert into pg_temp.renewed select w.item from linkage.person_weak w join pg_temp.renewed_mention r"
            " on r.source_id = w.source_id and r.mention_key = w.mention_key except select item from pg_temp.renewed",
        )
        engine.analyze("pg_temp.renewed")
        engine.run("delete from linkage.person_weak_key where item in (select item from pg_temp.renewed)")
    weak = (
        "(select m.* from linkage.person_mention m join linkage.person_weak w on w.source_id = m.source_id"
        " and w.mention_key = m.mention_key"
        + ("" if step.full else " where w.item in (select item from pg_temp.renewed)")
        + ")"
    )
    engine.run(
        f"insert into linkage.person_weak_key select distinct k.key, k.item from"
        f" ({blocking.key_rows(blocking.told(weak))}) k",
    )
    engine.analyze("linkage.person_weak_key")


def _renew_pairs(step: Step, model: Model, once: Collection[int]) -> None:
    """`linkage.person_pair`; `neighbour`: items that a renewed item was a pair with until now."""
    engine = engines.Server(step.connection)
    execute(step.connection, "drop table if exists pg_temp.neighbour")
    execute(
        step.connection,
        "create temp table neighbour as with gone as (delete from linkage.person_pair p"
        " where p.item in (select item from pg_temp.renewed) or p.candidate in (select item from pg_temp.renewed)"
        " returning p.item, p.candidate) select item from gone union select candidate from gone",
    )
    if blocking.find_pairs(engine, full=False):
        with engines.opened(step.folder) as database:
            weighing.read_pairs(database, step.connection, step.folder)
            weighed = weighing.weigh(database, model, once)
            engines.append(database, weighed, step.connection, _PAIR, step.folder)
    execute(step.connection, "analyze linkage.person_pair")


def _find_reached(step: Step) -> None:
    """`reached_item`: renewed items, former neighbours, and all whom pairs, contradicted numbers, decisions lead to."""
    connection = step.connection
    execute(connection, "drop table if exists pg_temp.reached_item; drop table if exists pg_temp.ruling_item")
    execute(
        connection,
        "create temp table ruling_item as select k.key, coalesce(w.item, m.id_no) as item from pg_temp.ruling_key k"
        " join linkage.person_mention m on m.source_id = k.source_id and m.mention_key = k.mention_key"
        " left join linkage.person_weak w on w.source_id = m.source_id and w.mention_key = m.mention_key",
    )
    execute(
        connection,
        "create temp table reached_item as with recursive reached as ("
        " select item from pg_temp.renewed union select item from pg_temp.neighbour"
        " union select case when p.item = r.item then p.candidate else p.item end from reached r"
        " join lateral (select item, candidate from linkage.person_pair where item = r.item"
        " union all select item, candidate from linkage.person_pair where candidate = r.item"
        " union all select r.item, w.item from linkage.person_mention m join linkage.person_weak w"
        " on w.source_id = m.source_id and w.mention_key = m.mention_key"
        " where m.id_no = r.item and m.is_id_usable and w.item <> r.item"
        " union all select r.item, o.item from pg_temp.ruling_item i join pg_temp.ruling_item o on o.key = i.key"
        " where i.item = r.item) p on true)"
        " select item from reached",
    )
    execute(connection, "analyze reached_item")


def _decide(step: Step, engine: Engine, model: Model, once: Collection[int]) -> None:
    """`verdict` and `item_doubt`, by item."""
    for name in ("verdict", "item_doubt"):
        engine.run(f"drop table if exists pg_temp.{name}")
    engine.run("create table pg_temp.verdict (item text primary key, cluster text, method text, weight real)")
    engine.run("create table pg_temp.item_doubt (item text, candidate text, reason text, weight real)")
    reached = "" if step.full else " where p.item in (select item from pg_temp.reached_item)"
    rows = engine.run(
        "select p.item, p.candidate, p.weight::double precision,"
        " exists (select 1 from linkage.person_weak w where w.item = p.item)"
        f" from linkage.person_pair p{reached}"
    ).fetchall()
    pairs = [deciding.Pair(*row) for row in rows]
    items = {i for p in pairs for i in (p.item, p.candidate) if not deciding.is_number(i)}
    sources = {item: int(item.split(":", 1)[0]) for item in items}
    registers = {item: source if source in once else None for item, source in sources.items()}
    verdicts, doubts = deciding.decide(pairs, model, registers)
    engine.fill("pg_temp.verdict", ((v.item, v.cluster, v.method, v.weight) for v in verdicts))
    engine.fill("pg_temp.item_doubt", ((d.item, d.candidate, d.reason, d.weight) for d in doubts))
    engine.analyze("pg_temp.verdict")
    engine.analyze("pg_temp.item_doubt")


def _answer(step: Step, engine: Engine) -> None:
    """Turn items into mentions. A group of which every source says `none` is nobody."""
    mentions = "linkage.person_mention m"
    if not step.full:
        engine.run("drop table if exists pg_temp.told")
        engine.run(
            "create temp table told as select m.* from linkage.person_mention m"
            " where m.is_id_usable and m.id_no in (select item from pg_temp.reached_item)"
            " union select m.* from linkage.person_mention m join linkage.person_weak w on w.source_id = m.source_id"
            " and w.mention_key = m.mention_key where w.item in (select item from pg_temp.reached_item)",
        )
        engine.run("insert into pg_temp.reached select source_id, mention_key from pg_temp.told")
        mentions = "pg_temp.told m"
    # a statement may be logged, what is copied is not: with the salt, ids could be led back to numbers
    engine.run("drop table if exists pg_temp.salt")
    engine.run("create table pg_temp.salt (salt text)")
    engine.fill("pg_temp.salt", [(step.salt,)])

    def cluster(item: str) -> str:
        return f"md5((select salt from pg_temp.salt) || {item})::uuid"

    engine.run(
        f"insert into pg_temp.decided select t.source_id, t.mention_key, {cluster('t.cluster')}, t.method, t.weight"
        " from (select i.*, bool_or(i.is_own) over (partition by i.cluster) as stands from ("
        " select m.source_id, m.mention_key, coalesce(v.cluster, w.item) as cluster,"
        " case when v.method is not null then v.method when strpos(w.item, ':') > 0 then 'own' else 'number' end"
        " as method, v.weight, strpos(coalesce(v.cluster, w.item), ':') = 0 or s.unlinked = 'own' as is_own"
        f" from {mentions} join linkage.person_weak w on w.source_id = m.source_id and w.mention_key = m.mention_key"
        " join linkage.source s on s.source_id = m.source_id left join pg_temp.verdict v on v.item = w.item) i) t"
        " where t.stands"
        f" union all select m.source_id, m.mention_key, {cluster('m.id_no')}, 'number', null"
        f" from {mentions} left join linkage.person_weak w on w.source_id = m.source_id"
        " and w.mention_key = m.mention_key where w.item is null",
    )
    _doubt(engine, mentions)


def _doubt(engine: Engine, mentions: str) -> None:
    """Who is doubted is a mention, and the candidate another: the first of those that stand for the item."""
    borne = f"{mentions} join linkage.person_weak w on w.source_id = m.source_id and w.mention_key = m.mention_key"
    contradicted = "m.is_id_usable and w.item <> m.id_no"
    for name in ("doubted", "standing"):
        engine.run(f"drop table if exists pg_temp.{name}")
    engine.run(
        "create table pg_temp.doubted as select item from pg_temp.item_doubt"
        f" union select candidate from pg_temp.item_doubt union select m.id_no from {borne} where {contradicted}",
    )
    engine.analyze("pg_temp.doubted")
    engine.run(
        "create table pg_temp.standing as select distinct on (item) item, source_id, mention_key from ("
        "select x.item, x.source_id, x.mention_key from linkage.person_weak x"
        " where x.item in (select item from pg_temp.doubted)"
        " union all select m.id_no, m.source_id, m.mention_key from linkage.person_mention m"
        " where m.is_id_usable and m.id_no in (select item from pg_temp.doubted)"
        " and not exists (select 1 from linkage.person_weak y where y.source_id = m.source_id"
        " and y.mention_key = m.mention_key)) s order by item, source_id, mention_key",
    )
    engine.analyze("pg_temp.standing")
    engine.run(
        "insert into pg_temp.doubt select w.source_id, w.mention_key, c.source_id, c.mention_key, d.reason, d.weight"
        " from pg_temp.item_doubt d join pg_temp.standing w on w.item = d.item"
        " join pg_temp.standing c on c.item = d.candidate"
        " union all select m.source_id, m.mention_key, h.source_id, h.mention_key, 'number_contradicted', null"
        f" from {borne} join pg_temp.standing h on h.item = m.id_no where {contradicted}",
    )
