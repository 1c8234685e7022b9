"""The target gate over the mart's readings: met, missed, undecided, and what is left for auditors."""

from __future__ import annotations

import json

import pytest

from connectors.database import connect
from connectors.errors import UserError
from expectations import gate

RUN = "run-20210930-20211008T090000"
READINGS = ("annex2_sharing", "annex2_opening", "main_text", "annex1_literal", "annex2_credit_sharing")


@pytest.fixture
def readings(settings, clock):
    """Return a function that stores a run with its readings: name to (value, met) or (value, met, reason)."""
    with connect(settings.dsn(), autocommit=True) as connection:
        connection.execute(
            "create table mart.target_reading_run (run_id text, seq smallint, reading text, title text, source text,"
            " quote text, is_binding boolean, rates jsonb, value numeric, target numeric, met boolean, reason text)"
        )
        connection.execute(
            "insert into mart.run (run_id, as_of, known_at, rule_version, project_version, started_at, state)"
            " values (%s, '2021-09-30', 1, 'r', 'p', %s, 'built')",
            (RUN, clock),
        )

        connection.execute(
            "insert into mart.reading_run select %s, 'p', 'q', name, '95%%', 4 from unnest(%s::text[]) name",
            (RUN, ["dept_sharing_rate", "open_data_category_rate", "credit_realtime_sharing_rate"]),
        )

        def store(found, *, run=RUN, target="0.9"):
            for seq, (reading, (value, met, *reason)) in enumerate(found.items(), start=1):
                connection.execute(
                    "insert into mart.target_reading_run (run_id, seq, reading, value, target, met, reason)"
                    " values (%s, %s, %s, %s, %s, %s, %s)",
                    (run, seq, reading, value, target, met, reason[0] if reason else None),
                )

        yield store


def test_run_passes_when_every_reading_is_met(settings, clock, readings):
    readings(dict.fromkeys(READINGS, ("0.9", True)))
    readings(dict.fromkeys(READINGS, ("0.1", False)), run="another run: it's {not} this one")

    assert gate.judge_targets(settings, RUN, now=clock) == gate.TargetVerdict(passed=True, missed=())


def test_run_misses_its_targets_when_a_critical_reading_is_not_met(settings, clock, readings):
    # 共享 95 %, 开放 86.36 %: the mean passes, each by itself does not (contradiction C03 of the plan)
    readings(
        {
            "annex2_sharing": ("0.95", True),
            "annex2_opening": ("0.8636363636363636", False),
            "main_text": ("0.8636363636363636", False),
            "annex1_literal": ("0.9068181818181818", True),
            "annex2_credit_sharing": ("0.9047619047619048", True),
        }
    )

    verdict = gate.judge_targets(settings, RUN, now=clock)

    assert verdict.missed == (
        "附件2：公共信息资源社会开放率应达到 90%，实际 86.36%",
        "正文：数据共享水平和开放水平均应达到 90%，实际 86.36%",
    )
    assert (verdict.passed, verdict.noted) == (False, ())


def test_run_passes_with_a_note_when_only_the_literal_reading_is_missed(settings, clock, readings):
    readings(dict.fromkeys(READINGS, ("0.9", True)) | {"annex1_literal": ("0.899999", False)})

    verdict = gate.judge_targets(settings, RUN, now=clock)

    assert (verdict.passed, verdict.missed) == (True, ())
    assert verdict.noted == ("附件1字面：共享水平和开放水平平均应达到 90%，实际 89.99%",)


def test_run_passes_with_a_note_when_another_reading_of_the_plan_would_miss(settings, clock, readings):
    readings(dict.fromkeys(READINGS, ("0.9", True)))
    with connect(settings.dsn()) as connection:
        connection.execute(
            "insert into mart.reading_run values (%s, 'credit_realtime_working_days', '1',"
            " 'credit_realtime_sharing_rate', '71.43%%', 0)",
            (RUN,),
        )

    verdict = gate.judge_targets(settings, RUN, now=clock)

    assert (verdict.passed, verdict.missed) == (True, ())
    asked = "换用计划未写明的其他口径，社会信用信息部门实时共享率仍应达到 90%"
    assert verdict.noted == (f"{asked}，实际 credit_realtime_working_days=1 时为 71.43%",)


@pytest.mark.parametrize(
    ("reading", "observed"),
    [
        ((None, None, "部门名录从未交付"), "无法评定：部门名录从未交付"),
        ((None, None), "无法评定：数据不足"),
        ((None, False), "有一项尚无数据"),
    ],
)
def test_reading_is_missed_when_it_cannot_be_computed(settings, clock, readings, reading, observed):
    readings(dict.fromkeys(READINGS, ("1", True)) | {"main_text": reading})

    verdict = gate.judge_targets(settings, RUN, now=clock)

    assert verdict.missed == (f"正文：数据共享水平和开放水平均应达到 90%，实际 {observed}",)


def test_reading_is_missed_when_the_mart_has_none(settings, clock, readings):
    readings(dict.fromkeys(READINGS[1:], ("1", True)))

    assert "无法评定" in gate.judge_targets(settings, RUN, now=clock).missed[0]


def test_reading_is_missed_when_the_mart_used_another_threshold(settings, clock, readings):
    readings(dict.fromkeys(READINGS, ("0.85", True)), target="0.8")

    assert len(gate.judge_targets(settings, RUN, now=clock).missed) == 4


def test_evidence_names_the_source_when_targets_were_judged_twice(settings, clock, readings):
    readings(dict.fromkeys(READINGS, ("0.9", True)))

    gate.judge_targets(settings, RUN, now=clock)
    gate.judge_targets(settings, RUN, now=clock)

    evidence = json.loads((settings.reports / "gates" / RUN / "targets.json").read_text(encoding="utf-8"))
    assert evidence["passed"]
    assert evidence["expectations"][2]["meta"]["quote"] == "2020 年底前，数据共享和开放水平均达到 90%"
    with connect(settings.dsn()) as connection:
        stored = connection.execute(
            "select expectation, severity, success, observed, expected from quality.gate_result"
            " where run_id = %s order by gate_result_id",
            (RUN,),
        ).fetchall()
    assert stored == [
        ("annex2_sharing", "critical", True, "90%", "不低于 90%"),
        ("annex2_opening", "critical", True, "90%", "不低于 90%"),
        ("main_text", "critical", True, "90%", "两项各不低于 90%"),
        ("annex1_literal", "warning", True, "90%", "两项平均不低于 90%"),
        ("annex2_credit_sharing", "critical", True, "90%", "不低于 90%"),
        ("in_other_readings_sharing", "warning", True, "1 种其他读法均达到", "各种其他读法均达到"),
        ("in_other_readings_opening", "warning", True, "1 种其他读法均达到", "各种其他读法均达到"),
        ("in_other_readings_credit_sharing", "warning", True, "1 种其他读法均达到", "各种其他读法均达到"),
    ]


@pytest.mark.usefixtures("readings")
def test_user_is_told_when_there_is_no_such_run(settings, clock):
    with pytest.raises(UserError, match="run-unknown"):
        gate.judge_targets(settings, "run-unknown", now=clock)
