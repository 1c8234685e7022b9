"""Which pairs are weighed: weak items and whom they have something in common with."""

from __future__ import annotations

from collections.abc import Iterable

from linkage.persons.engines import Engine

_STATED = "replace(m.birth_date::text, '-', '')"
_IN_NUMBER = "substr(m.number, 7, 8)"

_OF_NUMBER = (
    (1, f"n || {_IN_NUMBER}"),
    (2, "n || substr(m.number, 1, 6) || substr(m.number, 15)"),
    (5, f"left(n, 1) || substr(m.number, 1, 6) || {_IN_NUMBER}"),
)
"""Kind and text of what two mentions may have in common; `n` is a name or former name. A wrong digit of a number leaves
two of its three parts (place, date of birth, sequence) as they are."""
_OF_DATE = (1, f"n || {_STATED}")
_OF_MORE = (
    (3, "n || m.phone", "phone"),
    (4, "n || m.place", "address"),
    (6, f"{_STATED} || m.household", "household_no"),
    (6, f"{_IN_NUMBER} || m.household", "household_no"),
    (7, f"{_STATED} || m.mother_id_no", "mother_id_no"),
    (7, f"{_IN_NUMBER} || m.mother_id_no", "mother_id_no"),
)
"""As above, and the column without which there is no such key. A date of birth may stand in the number or beside it."""

_PLACE = (
    "translate(replace(replace(replace(replace(m.address, '山东省', ''), '威海市', ''), '单元', ''), '室', ''),"
    " '- ', '')"
)


def told(mentions: str) -> str:
    """Return the select of mentions as they are compared: `item`, `number`, `household`, `place` and their columns.

    A contradicted number is somebody else's; a child without a household of its own has its parents'.

    Args:
        mentions: a table or select of the columns of `linkage.person_mention`.
    """

    def home(parent: str) -> str:
        return (
            "(select h.household_no from linkage.person_mention h where h.is_id_usable and h.household_no is not null"
            f" and h.id_no = m.{parent} order by h.source_id, h.mention_key limit 1)"
        )

    return (
        "select m.*, coalesce(w.item, m.id_no) as item,"
        " case when (not m.is_id_usable or coalesce(w.item, m.id_no) = m.id_no) and length(m.id_no) = 18"
        " then m.id_no end as number,"
        f" coalesce(m.household_no, {home('mother_id_no')}, {home('father_id_no')}) as household, {_PLACE} as place"
        f" from {mentions} m"
        " left join linkage.person_weak w on w.source_id = m.source_id and w.mention_key = m.mention_key"
    )


def key_rows(mentions: str) -> str:
    """Return the select of (key, item) of weak mentions.

    Args:
        mentions: a select as `told` returns it.
    """
    keys = [_OF_DATE, *_OF_NUMBER, *((kind, text) for kind, text, _ in _OF_MORE)]
    return (
        f"with told as materialized ({mentions}), named as materialized (select told.*, told.name as n from told"
        " union all select told.*, told.former_name as n from told where told.former_name is not null)"
        f" {_keys('named', keys, 'm.item')}"
    )


def _strong_keys(mentions: str) -> str:
    """Return the select of (key, item) of mentions on usable numbers, each key about once; their birth date is in it.

    Args:
        mentions: a table or select of the columns of `linkage.person_mention`.
    """
    named = (
        f"select m.id_no as number, m.name as n from {mentions} m where m.name is not null group by m.id_no, m.name"
        f" union all select m.id_no, m.former_name from {mentions} m where m.former_name is not null"
    )
    parts = [_keys("named", _OF_NUMBER, "m.number")]
    for kind, text, column in _OF_MORE:
        facts = (
            f"(select m.*, m.id_no as number, m.name as n, m.household_no as household, {_PLACE} as place"
            f" from {mentions} m where m.{column} is not null)"
        )
        parts.append(_keys(facts, ((kind, text),), "m.number"))
    return f"with named as materialized ({named}) {' union all '.join(parts)}"


def _on_two_numbers(*, full: bool) -> str:
    """Return the select of pairs of well-supported numbers with one name and date of birth; they are only reviewed."""
    supported = " and ".join(
        f"not exists (select 1 from linkage.person_weak w where w.item = {number})" for number in ("a.id_no", "b.id_no")
    )
    renewed = "" if full else " and m.id_no in (select id_no from pg_temp.renewed_number)"
    others = "named" if full else "linkage.person_mention"
    condition = "b.born = a.born" if full else "b.is_id_usable and substr(b.id_no, 7, 8) = a.born"
    return (
        "(with named as materialized (select distinct m.id_no, m.name, substr(m.id_no, 7, 8) as born"
        f" from linkage.person_mention m where m.is_id_usable and length(m.id_no) = 18{renewed})"
        f" select least(a.id_no, b.id_no), greatest(a.id_no, b.id_no) from named a join {others} b on b.name = a.name"
        f" and {condition} and b.id_no <> a.id_no and length(b.id_no) = 18 where {supported})"
    )


def _keys(mentions: str, keys: Iterable[tuple[int, str]], item: str) -> str:
    """Return the select of (key, item): one select for each key, as joining rows with their own values is slow."""
    return " union all ".join(
        f"select md5('{kind}:' || {text})::uuid as key, {item} as item from {mentions} m where ({text}) is not null"
        for kind, text in keys
    )


def find_pairs(engine: Engine, *, full: bool) -> int:
    """Make `pg_temp.pair (item, candidate)` of all that are to be weighed, and return their number.

    Each has a weak item first; two weak ones, and two strong ones, stand in order. Two weak numbers are not compared.
    If not in full, one of both is in `pg_temp.renewed`.
    """
    engine.run("drop table if exists pg_temp.pair")
    new = "" if full else "where a.item in (select item from pg_temp.renewed)"
    either = (
        ""
        if full
        else " and (w.item in (select item from pg_temp.renewed) or s.item in (select item from pg_temp.renewed))"
    )
    engine.run(
        "create table pg_temp.pair as"
        " select w.item, s.item as candidate from linkage.person_weak_key w"
        f" join ({_strong_keys(_strong(engine, full=full))}) s on s.key = w.key"
        f" where not exists (select 1 from linkage.person_weak x where x.item = s.item){either}"
        " union select least(a.item, b.item), greatest(a.item, b.item) from linkage.person_weak_key a"
        " join linkage.person_weak_key b on b.key = a.key and b.item <> a.item"
        f" and (strpos(a.item, ':') > 0 or strpos(b.item, ':') > 0) {new}"
        f" union {_on_two_numbers(full=full)}",
    )
    engine.analyze("pg_temp.pair")
    return int(engine.run("select count(*) from pg_temp.pair").fetchall()[0][0])


def _strong(engine: Engine, *, full: bool) -> str:
    """Mentions on usable numbers: all, or those of renewed numbers and those that may meet renewed items."""
    if full:
        return "(select m.* from linkage.person_mention m where m.is_id_usable)"
    engine.run("drop table if exists pg_temp.near_mention")
    renewed = f"({told(_RENEWED_WEAK)})"
    engine.run(
        "create table pg_temp.near_mention as with r as materialized " + renewed + " select m.* from"
        " linkage.person_mention m where m.id_no in (select item from pg_temp.renewed)"
        " union select m.* from linkage.person_mention m join (select name from r union select former_name from r) n"
        " on n.name = m.name"
        " union select m.* from linkage.person_mention m join (select name from r union select former_name from r) n"
        " on n.name = m.former_name"
        # a range for each: joined as a whole, every mention would be compared with every number
        " union select m.* from (select distinct substr(number, 1, 14) as start from r where number is not null) n"
        " cross join lateral (select * from linkage.person_mention o"
        " where o.id_no > n.start and o.id_no < n.start || 'a' offset 0) m"
        " union select m.* from linkage.person_mention m join r on r.household = m.household_no"
        " union select m.* from linkage.person_mention m join r on r.mother_id_no = m.mother_id_no",
    )
    engine.analyze("pg_temp.near_mention")
    return "(select m.* from pg_temp.near_mention m where m.is_id_usable)"


_RENEWED_WEAK = (
    "(select m.* from linkage.person_mention m join linkage.person_weak w on w.source_id = m.source_id"
    " and w.mention_key = m.mention_key join pg_temp.renewed n on n.item = w.item)"
)
