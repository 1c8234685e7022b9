"""Versions and clocks: what is in force at any (as_of, known_at) against a model of a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.versioning import Desk, tiny_contract

D1, D2, D3, D4 = date(2021, 1, 31), date(2021, 2, 28), date(2021, 3, 31), date(2021, 4, 30)
DAYS = (D1, D2, D3, D4)
YEARS = ("2019", "2020")
KEYS = [(year, code) for year in YEARS for code in ("a", "b")]
Key = tuple[str, str]


class Model:
    """Statements per key; the last one by (as_of, seq) among those known counts."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.statements: dict[Key, list[tuple[date, int, str | None]]] = {k: [] for k in KEYS}
        self.seq = 0

    def content(self, key: Key, as_of: date, known_at: int) -> str | None:
        known = [s for s in self.statements[key] if s[0] <= as_of and s[1] <= known_at]
        return max(known, key=lambda s: (s[0], s[1]))[2] if known else None

    def deliver(
        self,
        as_of: date,
        rows: dict[Key, str | None],
        scope: tuple[str, ...] | None = None,
        rejected: frozenset[Key] = frozenset(),
    ) -> None:
        self.seq += 1
        for key in KEYS:
            if self.mode == "full":
                if (scope is None or key[0] in scope) and (key in rows or key not in rejected):
                    self.statements[key].append((as_of, self.seq, rows.get(key)))
            elif key in rows and rows[key] != self.content(key, as_of, self.seq):
                self.statements[key].append((as_of, self.seq, rows[key]))

    def in_force(self, as_of: date, known_at: int) -> list[tuple[str, str, str]]:
        found = ((*key, self.content(key, as_of, known_at)) for key in KEYS)
        return sorted((y, c, v) for y, c, v in found if v is not None)


@pytest.fixture
def desk(warehouse_dsn: str, clock: datetime, request: pytest.FixtureRequest) -> Iterator[Desk]:
    opened = Desk.open(warehouse_dsn, tiny_contract(mode=request.param), clock)
    yield opened
    opened.close()


def row(key: Key, value: str | None) -> dict[str, str | None]:
    if value is None:
        return {"year": key[0], "code": key[1], "operation": "撤销"}
    return {"year": key[0], "code": key[1], "value": value}


def assert_agrees(desk: Desk, model: Model) -> None:
    for known_at in range(1, model.seq + 1):
        for as_of in DAYS:
            assert desk.in_force(as_of, known_at) == model.in_force(as_of, known_at), (as_of, known_at)
    assert desk.current() == model.in_force(DAYS[-1], model.seq)


def relaxed(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


contents = st.sampled_from(["x", "y", "z"])


@pytest.mark.parametrize("desk", ["full"], indirect=True)
@relaxed(20)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(DAYS),
            st.dictionaries(st.sampled_from(KEYS), contents),
            st.one_of(st.none(), st.sets(st.sampled_from(YEARS), min_size=1).map(lambda s: tuple(sorted(s)))),
            st.frozensets(st.sampled_from(KEYS), max_size=2),
        ),
        min_size=1,
        max_size=7,
    )
)
def test_full_deliveries_agree_with_the_model_when_some_are_late_scoped_or_have_rejected_rows(
    desk: Desk, deliveries: list[tuple[date, dict[Key, str], tuple[str, ...] | None, frozenset[Key]]]
) -> None:
    desk.reset()
    model = Model("full")
    for as_of, rows, scope, rejected in deliveries:
        within = {k: v for k, v in rows.items() if scope is None or k[0] in scope}
        model.deliver(as_of, dict(within), scope, rejected)
        desk.deliver(
            as_of,
            [row(k, v) for k, v in within.items()],
            {"year": scope} if scope is not None else None,
            [row(k, "unusable") for k in sorted(rejected)],
        )
    assert_agrees(desk, model)


@pytest.mark.parametrize("desk", ["incremental"], indirect=True)
@relaxed(10)
@given(
    st.lists(
        st.tuples(st.sampled_from(DAYS), st.dictionaries(st.sampled_from(KEYS), st.one_of(contents, st.none()))),
        min_size=1,
        max_size=7,
    )
)
def test_incremental_deliveries_agree_with_the_model_when_some_are_late(
    desk: Desk, deliveries: list[tuple[date, dict[Key, str | None]]]
) -> None:
    assert_follows(desk, "incremental", deliveries)


@pytest.mark.parametrize("desk", ["append"], indirect=True)
@relaxed(6)
@given(
    st.lists(st.tuples(st.sampled_from(DAYS), st.dictionaries(st.sampled_from(KEYS), contents)), min_size=1, max_size=7)
)
def test_events_agree_with_the_model_when_some_are_late_or_come_again(
    desk: Desk, deliveries: list[tuple[date, dict[Key, str | None]]]
) -> None:
    assert_follows(desk, "append", deliveries)


def assert_follows(desk: Desk, mode: str, deliveries: list[tuple[date, dict[Key, str | None]]]) -> None:
    desk.reset()
    model = Model(mode)
    for as_of, rows in deliveries:
        model.deliver(as_of, rows)
        desk.deliver(as_of, [row(k, v) for k, v in rows.items()])
    assert_agrees(desk, model)
