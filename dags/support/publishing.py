"""What the assess DAG does: judge the targets, publish, open data, build the portal."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import load_contracts
from connectors.database import connect
from connectors.settings import load_settings
from dags.support import runs
from dags.support.clock import now


def judge_targets(run_id: str) -> list[str]:
    """Judge the run's targets; return the missed critical ones as Chinese sentences."""
    from expectations import gate

    settings = load_settings()
    verdict = gate.judge_targets(settings, run_id, now=now())
    runs.report_progress(
        settings,
        run_id,
        "assess",
        "目标判定",
        state="done" if verdict.passed else "held",
        note="全部达标" if verdict.passed else f"{len(verdict.missed)} 项未达标",
    )
    return list(verdict.missed)


def judge_across(run_id: str) -> None:
    """Judge what the departments' data say of each other; what fails is noted, nothing is held for it."""
    from expectations import gate

    settings = load_settings()
    failed = gate.judge_across(settings, run_id, now=now())
    note = f"{len(failed)} 项不符" if failed else "全部相符"
    runs.report_progress(settings, run_id, "assess", "跨部门一致性", state="done", note=note)


def publish(run_id: str, missed: Sequence[str]) -> None:
    """Make the run visible, whole."""
    settings = load_settings()
    runs.publish_run(settings, run_id, "target_missed" if missed else "passed", now=now())
    runs.report_progress(settings, run_id, "assess", "发布", state="done")


def open_data(run_id: str) -> None:
    """Release and export the open data, unless a later business date was published: they state the present."""
    from connectors.opening.export import Moment, export

    settings = load_settings()
    contracts = load_contracts(settings.contract_folders)
    with connect(settings.dsn(), autocommit=True) as connection:
        row = connection.execute(
            "select as_of, as_of = (select max(as_of) from mart.run where state = 'published')"
            " from mart.run where run_id = %s",
            (run_id,),
        ).fetchone()
        assert row is not None
        as_of, is_present = row
        note = "不是最近的业务日期，不另发"
        if is_present:
            done = export(settings, connection, contracts, Moment(as_of, now(), "weihai"))
            note = f"新发布 {len(done.released)} 个数据集，{len(done.unchanged)} 个没有变化"
            if done.kept_back:
                note += f"，{len(done.kept_back)} 个沿用上次：{'；'.join(done.kept_back.values())}"
    runs.report_progress(settings, run_id, "assess", "开放数据", state="done", note=note)


def build_portal(run_id: str) -> None:
    """Build the static pages of the published run."""
    import portal

    settings = load_settings()
    portal.build(settings, now=now())
    runs.report_progress(settings, run_id, "assess", "门户", state="done")


def refresh_portal(run_id: str) -> None:
    """Rebuild the pages where deliveries were answered but none was accepted: no mart, and so no portal, follows."""
    settings = load_settings()
    with connect(settings.dsn()) as connection:
        row = connection.execute(
            "select count(*), count(applied_seq) from quality.batch where run_id = %s", (run_id,)
        ).fetchone()
    answered, accepted = row if row else (0, 0)
    if answered and not accepted:
        import portal

        portal.build(settings, now=now())
