"""What is said never to repeat itself must not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import repeats
from connectors.checks import row_schema
from connectors.contract import Contract
from connectors.record_hashes import with_hashes
from connectors.repeats import KEY, Repeats

CONTRACT = Contract.model_validate(
    {
        "department": "test_office",
        "extract": "pairs",
        "title": "成对的列",
        "description": "两列合起来不应重复。",
        "mode": "incremental",
        "cycle": "daily",
        "sharing": {"type": "无条件共享"},
        "key": ["no"],
        "columns": {
            "no": {"header": "编号", "type": "text"},
            "left": {"header": "左", "type": "text"},
            "right": {"header": "右", "type": "int"},
        },
        "rules": {
            "pair_once": {"kind": "unique", "columns": ["left", "right"], "dimension": "0304", "message": "不应重复。"}
        },
    }
)
Row = tuple[str, str | None, int | None]


def looked_at(*batches: list[Row]) -> Repeats:
    seen, schema, number = Repeats(CONTRACT), row_schema(CONTRACT), 0
    for batch in batches:
        facts = [dict(zip(schema.names, (*row, n), strict=True)) for n, row in enumerate(batch)]
        rows = pa.RecordBatch.from_pylist(facts, schema=schema)
        seen.look(with_hashes(rows, CONTRACT, "secret"), offset=number)
        number += len(batch)
    return seen


def repeated(contents: Sequence[object]) -> tuple[int, list[int]]:
    """Return how many contents there are, and the places of those that are there twice."""
    counts = Counter(c for c in contents if c is not None)
    return sum(counts.values()), [n for n, c in enumerate(contents) if c is not None and counts[c] > 1]


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("甲乙丙丁"), st.sampled_from(["a", None]), st.sampled_from([1, None]))))
)
def test_exactly_the_rows_with_a_repeated_content_are_named_when_rows_come_in_batches(batches: list[list[Row]]) -> None:
    rows = [row for batch in batches for row in batch]
    pairs = [None if row[1:] == (None, None) else row[1:] for row in rows]

    found = {name: (seen.filled, seen.rows.tolist()) for name, seen in looked_at(*batches).found().items()}

    assert found == {KEY: repeated([row[0] for row in rows]), "pair_once": repeated(pairs)}


def test_nothing_is_named_when_a_delivery_is_too_large_to_remember(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_MAX_BYTES", 50)

    assert looked_at([("甲", "a", 1), ("乙", "b", 1)]).found().keys() == {KEY, "pair_once"}
    assert looked_at([("甲", "a", 1), ("乙", "b", 1)], [("丙", "c", 1)], []).found() == {}
