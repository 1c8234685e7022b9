"""Weighing pairs with Splink on DuckDB, by fixed parameters."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import duckdb

from connectors.database import Connection
from linkage.persons.blocking import told
from linkage.persons.engines import write
from linkage.persons.model import Model
from linkage.persons.names import STAND_IN

_TOLD = {
    "item": "t.item", "source_id": "t.source_id", "name": "t.name", "former_name": "t.former_name",
    "number": "t.number", "birth": "replace(t.birth_date::text, '-', '')", "sex": "t.sex", "phone": "t.phone",
    "household": "t.household", "place": "t.place", "mother": "t.mother_id_no", "division": "left(t.division, 6)",
}  # fmt: skip
_CONDITIONS = {
    "name": {
        "equal": "list_has_any(names_l, names_r)",
        "stand_in": "stands_for(names_l, names_r) or stands_for(names_r, names_l)",
        # brothers and sisters, twins above all, often have one character of the given name in common
        "sibling": "is_slip(names_l, names_r) and "
        "(list_has_any(households_l, households_r) or list_has_any(mothers_l, mothers_r))",
        "similar": "is_slip(names_l, names_r)",
    },
    "number": {
        "equal": "list_has_any(numbers_l, numbers_r)",
        "one_slip": "slips(numbers_l, numbers_r) = 1",
        "two_slips": "slips(numbers_l, numbers_r) = 2",
    },
    "birth_date": {
        "equal": "list_has_any(births_l, births_r)",
        "near": "slips(births_l, births_r) = 1",
    },
    "sex": {"equal": "list_has_any(sexes_l, sexes_r)"},
    "phone": {"equal": "list_has_any(phones_l, phones_r)"},
    "household": {"equal": "list_has_any(households_l, households_r)"},
    "address": {"equal": "list_has_any(places_l, places_r)"},
    "mother": {"equal": "list_has_any(mothers_l, mothers_r)"},
    "division": {"equal": "list_has_any(divisions_l, divisions_r)"},
    "register": {"once": "not list_has_any(registers_l, registers_r)"},
}
"""What each level of `model.json` means; the last one of a comparison is all else."""
_COLUMNS = {
    "name": "names", "number": "numbers", "birth_date": "births", "sex": "sexes", "phone": "phones",
    "household": "households", "address": "places", "mother": "mothers", "division": "divisions",
    "register": "registers",
}  # fmt: skip
_UNKNOWN = {"address": "coalesce(list_has_any(households_l, households_r), false)"}
"""When a comparison says nothing though both sides are known: those of one household have one address."""
_MACROS = f"""
create macro stands_for(a, b) as len(list_filter(a, lambda x: regexp_matches(x, '{STAND_IN}')
    and len(list_filter(b, lambda y: regexp_full_match(y, regexp_replace(x, '{STAND_IN}', '.', 'g')))) > 0)) > 0;
create macro is_slip(a, b) as len(list_filter(a, lambda x: len(list_filter(b, lambda y: len(x) = len(y) and x[1] = y[1]
    and (x[:-2] = y[:-2] or (len(x) > 2 and x[-1] = y[-1] and x[:-3] = y[:-3])))) > 0)) > 0;
create macro slips(a, b) as list_min(list_transform(a, lambda x:
    list_min(list_transform(b, lambda y: damerau_levenshtein(x, y)))));
"""


def read_pairs(database: duckdb.DuckDBPyConnection, connection: Connection, folder: Path) -> None:
    """Read `pg_temp.pair` and what is known of its items from PostgreSQL.

    Names, numbers and dates pass through files of the folder, which only the caller may enter; nothing is logged.
    """
    database.execute("create schema pg_temp")
    for table, query, columns in (
        ("pair", "select item, candidate from pg_temp.pair", ("item", "candidate")),
        ("told", _attributes(), _TOLD),
    ):
        path = folder / f"{table}.csv"
        write(connection, query, path)
        database.execute(
            f"create table pg_temp.{table} as select * from read_csv(?, header = false, names = ?, all_varchar = true)",
            [str(path), list(columns)],
        )
        path.unlink()


def find_told(database: duckdb.DuckDBPyConnection) -> None:
    """Make `pg_temp.told` of a database that `engines.read_all` read into and in which pairs were found."""
    database.execute(f"create table pg_temp.told as {_attributes()}")


def weigh(database: duckdb.DuckDBPyConnection, model: Model, once: Collection[int]) -> str:
    """Weigh `pg_temp.pair` of a DuckDB database; return the query of those worth a review, as in `linkage.person_pair`.

    Args:
        database: with what `read_pairs` or `find_told` left there.
        model: the parameters.
        once: sources in which a person stands once.
    """
    database.execute(_MACROS)
    _make_items(database, once)
    database.execute(
        "create table pairs as select '0' as match_key, item as join_key_l, candidate as join_key_r from pg_temp.pair"
    )
    return _score(database, model)


def _score(database: duckdb.DuckDBPyConnection, model: Model) -> str:
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    api = DuckDBAPI(connection=database)
    linker = Linker(api.register("items"), settings(model), log_level=logging.ERROR)
    linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
    scored = linker.inference.predict(threshold_match_weight=model.review)
    return (
        "select case when left_first then unique_id_l else unique_id_r end,"
        " case when left_first then unique_id_r else unique_id_l end, match_weight"
        " from (select s.*, p.join_key_l is not null as left_first"
        f" from {scored.physical_name} s left join pairs p on p.join_key_l = s.unique_id_l"
        " and p.join_key_r = s.unique_id_r)"
    )


def settings(model: Model) -> dict[str, object]:
    """Return the model as Splink takes it."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model.prior,
        "blocking_rules_to_generate_predictions": [],
        "comparisons": [
            {
                "output_column_name": name,
                "comparison_levels": [
                    {
                        "sql_condition": _UNKNOWN.get(name, "false")
                        + f" or {_COLUMNS[name]}_l is null or {_COLUMNS[name]}_r is null",
                        "label_for_charts": "unknown",
                        "is_null_level": True,
                    },
                    *(
                        {
                            "sql_condition": _CONDITIONS[name].get(level, "ELSE"),
                            "label_for_charts": level,
                            "m_probability": parameters.m,
                            "u_probability": parameters.u,
                        }
                        for level, parameters in levels.items()
                    ),
                ],
            }
            for name, levels in model.comparisons.items()
        ],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def _attributes() -> str:
    numbered = (
        "(select m.* from linkage.person_mention m where m.is_id_usable and m.id_no in (select candidate from"
        " pg_temp.pair union select item from pg_temp.pair) and not exists (select 1 from linkage.person_weak w"
        " where w.source_id = m.source_id and w.mention_key = m.mention_key))"
    )
    weak = (
        "(select m.* from linkage.person_mention m join linkage.person_weak w on w.source_id = m.source_id"
        " and w.mention_key = m.mention_key where w.item in (select item from pg_temp.pair"
        " union select candidate from pg_temp.pair))"
    )
    columns = ", ".join(f"{text} as {name}" for name, text in _TOLD.items())
    return " union all ".join(f"select {columns} from ({told(part)}) t" for part in (numbered, weak))


def _make_items(database: duckdb.DuckDBPyConnection, once: Collection[int]) -> None:
    is_number = "strpos(item, ':') = 0"
    sex = f"case when {is_number} then case when substr(number, 17, 1)::int % 2 = 1 then '男' else '女' end end"
    kept = {
        "names": "list_distinct(list_concat(list(name), list(former_name)))",
        "numbers": "list_distinct(list(number))",
        "births": f"list_distinct(list_concat(list(birth), list(case when {is_number} then substr(number, 7, 8) end)))",
        "sexes": f"list_distinct(list_concat(list(case when sex in ('男', '女') then sex end), list({sex})))",
        "phones": "list_distinct(list(phone))",
        "households": "list_distinct(list(household))",
        "places": "list_distinct(list(place))",
        "mothers": "list_distinct(list(mother))",
        "divisions": "list_distinct(list(division))",
        "registers": "list_distinct(list(case when stands_once(source_id::int) then source_id end))",
    }
    columns = ", ".join(f"{_filled(text)} as {name}" for name, text in kept.items())
    database.execute(
        "create macro stands_once(source) as list_contains([" + ", ".join(map(str, sorted(once))) + "], source)"
    )
    database.execute(f"create table items as select item as unique_id, {columns} from pg_temp.told group by item")


def _filled(text: str) -> str:
    """An empty list is nothing known."""
    filled = f"list_filter({text}, lambda x: x is not null)"
    return f"case when len({filled}) > 0 then {filled} end"
