"""The expectations that Great Expectations does not bring along. Import this module before any suite is loaded:
Great Expectations leaves out, without an error, what it cannot build.

Each asks one question of the database, judges the figures in Python and answers with counts and names of columns and
rules: never with a value of a row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import median
from typing import Any, ClassVar, Union

from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.validator.metric_configuration import MetricConfiguration

from connectors.normalise import FINDINGS
from expectations.score import RuleResult, exact, percent, rate, score

Row = Mapping[str, Any]
Judgement = tuple[bool, str]
"""Success, and what was observed, in Chinese."""

# `dict` stands for {"$PARAMETER": …}; Great Expectations puts the value in its place before it asks.
Number = Union[int, dict[str, str]]  # noqa: UP007
Text = Union[str, dict[str, str]]  # noqa: UP007

_TYPE_NAMES: Mapping[str, str] = {"timestamptz": "timestamp with time zone"}
_QUERY = "query.table"


def literal(text: str) -> str:
    """Return a text as SQL literal that passes Great Expectations' `{…}` and SQLAlchemy's `:name` untouched."""
    quoted = text.replace("'", "''").replace(":", "\\:").replace("{", "{{").replace("}", "}}")
    return f"'{quoted}'"


class FiguresExpectation(BatchExpectation):  # type: ignore[misc]
    """A question answered by one query, judged in Python."""

    @abstractmethod
    def query(self) -> str:
        """Return the SQL; it holds numbers and names of ours only."""

    @abstractmethod
    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Judge the rows of the query."""

    def get_validation_dependencies(self, execution_engine: Any = None, runtime_configuration: Any = None) -> Any:
        """Ask for the query's rows; expectations with the same query share them."""
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        dependencies.set_metric_configuration(
            _QUERY,
            MetricConfiguration(
                metric_name=_QUERY,
                metric_domain_kwargs={"batch_id": self.batch_id},
                metric_value_kwargs={"query": self.query(), "fetch_all": True},
            ),
        )
        return dependencies

    def _validate(
        self, metrics: Mapping[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        del runtime_configuration, execution_engine
        success, observed = self.judge(metrics[_QUERY])
        return {"success": success, "result": {"observed_value": observed}}


class StagedExpectation(FiguresExpectation):
    """A question about batch `batch`."""

    batch: Number
    success_keys: ClassVar[tuple[str, ...]] = ("batch",)


class ExpectRuleResultToMeetThreshold(StagedExpectation):
    """The stored result of one contract rule reaches its threshold; nothing is computed again."""

    rule: str
    threshold: float
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "rule", "threshold")

    def query(self) -> str:
        """Return the SQL for all results of the batch, shared by its rules."""
        return f"select rule, checked, passed from quality.check_result where batch_id = {self.batch}"

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare exactly: passed against threshold × checked. A rule judged on no row says 未检查 and passes."""
        for row in rows:
            if row["rule"] == self.rule:
                checked, passed = int(row["checked"]), int(row["passed"])
                return passed >= exact(self.threshold) * checked, rate(passed, checked)
        return False, "没有检查结果"


class ExpectBatchScoreToReach(StagedExpectation):
    """The score of a batch, from its stored results, is no lower than `minimum`."""

    minimum: float
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "minimum")

    def query(self) -> str:
        """Return the SQL for all results of the batch."""
        return (
            f"select rule, dimension, checked, passed from quality.check_result where batch_id = {self.batch}"
            " order by rule"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare exactly; a batch of which nothing was checked says 未检查 and passes."""
        results = (RuleResult(r["rule"], r["dimension"], int(r["checked"]), int(r["passed"])) for r in rows)
        value = score(results).value
        return (True, "未检查") if value is None else (value >= exact(self.minimum), percent(value))


class ExpectStagedColumnTypesToMatch(StagedExpectation):
    """Every expected column of `staging.batch_<id>` has its type; precision aside."""

    types: dict[str, str]
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "types")

    def query(self) -> str:
        """Return the SQL for the columns and their types."""
        return (
            "select attname as column_name, format_type(atttypid, null) as type_name from pg_attribute"
            f" where attrelid = to_regclass('staging.batch_{self.batch}') and attnum > 0 and not attisdropped"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare type names as PostgreSQL reports them."""
        found = {row["column_name"]: row["type_name"] for row in rows}
        wanted = {name: sql.split("(")[0] for name, sql in self.types.items()}
        wrong = [
            f"{name} 应为 {sql}，实为 {found.get(name, '缺失')}"
            for name, sql in wanted.items()
            if found.get(name) != _TYPE_NAMES.get(sql, sql)
        ]
        return not wrong, "；".join(wrong) if wrong else f"{len(wanted)} 列类型相符"


class ExpectLedgerToBalance(StagedExpectation):
    """Every physical row of the delivery is accounted for."""

    def query(self) -> str:
        """Return the SQL for the row ledger."""
        return (
            "select rows_physical, rows_header, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_rejected,"
            " case when rows_skipped is not null then"
            " (select coalesce(sum(cast(value as bigint)), 0) from jsonb_each_text(rows_skipped)) end as rows_skipped"
            f" from quality.batch where batch_id = {self.batch}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Check both equations; an unknown figure is a failure."""
        row = rows[0]
        unknown = [name for name, value in row.items() if value is None]
        if unknown:
            return False, f"台账缺少：{'、'.join(unknown)}"
        n = {name: int(value) for name, value in row.items()}
        whole = n["rows_header"] + n["rows_skipped"] + n["rows_read"]
        split = n["rows_loaded"] + n["rows_unchanged"] + n["rows_duplicate"] + n["rows_rejected"]
        observed = (
            f"物理 {n['rows_physical']:,}，表头 {n['rows_header']:,} ＋ 跳过 {n['rows_skipped']:,}"
            f" ＋ 读取 {n['rows_read']:,}；入库 {n['rows_loaded']:,} ＋ 未变 {n['rows_unchanged']:,}"
            f" ＋ 重复 {n['rows_duplicate']:,} ＋ 退回 {n['rows_rejected']:,}"
        )
        return n["rows_physical"] == whole and n["rows_read"] == split and min(n.values()) >= 0, observed


class ExpectStagedRowsToMatchLedger(StagedExpectation):
    """The staged rows are as many, class by class, as the ledger says, and each has exactly one key row."""

    def query(self) -> str:
        """Return the SQL for the ledger's figures beside those counted in staging."""
        rows, keys, issues = (f"staging.batch_{self.batch}{suffix}" for suffix in ("", "_key", "_issue"))
        return (
            "with counted as (select"
            " count(*) filter (where disposition in ('new', 'changed')) as loaded,"
            " count(*) filter (where disposition = 'unchanged') as unchanged,"
            " count(*) filter (where disposition = 'duplicate') as duplicate,"
            f" count(*) as keyed from {keys})"
            " select b.rows_loaded, b.rows_unchanged, b.rows_duplicate, b.rows_rejected, c.*,"
            f" (select count(*) from {rows}) as staged,"
            f" (select count(*) from {rows} r full join {keys} k on k.row_no = r._row_no"
            " where k.row_no is null or r._row_no is null) as unmatched,"
            f" (select count(distinct i.row_no) from {issues} i where i.row_no is not null"
            f" and not exists (select from {rows} r where r._row_no = i.row_no)) as listed"
            f" from quality.batch b cross join counted c where b.batch_id = {self.batch}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare; a rejected row must stand in the list of issues."""
        row = rows[0]
        labels = {"loaded": "入库", "unchanged": "未变", "duplicate": "重复"}
        wrong = [
            f"{label}：台账 {row[f'rows_{name}']}，暂存 {row[name]}"
            for name, label in labels.items()
            if row[f"rows_{name}"] != row[name]
        ]
        if row["staged"] != row["keyed"] or row["unmatched"]:
            wrong.append(f"暂存 {row['staged']} 行，记录键 {row['keyed']} 个，对不上的 {row['unmatched']} 个")
        if row["rows_rejected"] != row["listed"]:
            wrong.append(f"退回：台账 {row['rows_rejected']}，列入问题清单 {row['listed']}")
        return not wrong, "；".join(wrong) if wrong else f"{row['staged']:,} 行相符"


class ExpectEveryRuleToHaveAResult(StagedExpectation):
    """Every rule that a delivery of the contract must be judged by has a stored result."""

    rules: list[str]
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "rules")

    def query(self) -> str:
        """Return the SQL for all results of the batch."""
        return f"select rule, checked, passed from quality.check_result where batch_id = {self.batch}"

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare the names."""
        found = {row["rule"] for row in rows}
        missing = [rule for rule in self.rules if rule not in found]
        return not missing, f"缺少 {'、'.join(missing)}" if missing else f"{len(found)} 条规则有结果"


class ExpectRuleResultsToMatchStagedIssues(StagedExpectation):
    """What each rule counted as failed stands in the staged list of issues, and nothing was counted twice."""

    def query(self) -> str:
        """Return the SQL for each rule's figures beside the rows listed in staging.

        Findings that are only told do not count as failed. Where a column was not delivered, its rows are not listed
        one by one.
        """
        issues = f"staging.batch_{self.batch}_issue"
        told = ", ".join(literal(finding.message) for finding in FINDINGS.values() if not finding.fails)
        return (
            "with listed as (select rule, count(distinct row_no) as found"
            f" from {issues} where rule !~ '[.](format|code|check)$'"
            f" or (severity <> 'info' and message not in ({told})) group by rule)"
            " select r.rule, r.checked, r.passed, coalesce(l.found, 0) as found, b.rows_read,"
            f" exists (select from {issues} m where m.rule = 'header.missing' and m.column_name = r.column_name)"
            " as is_undelivered"
            " from quality.check_result r join quality.batch b on b.batch_id = r.batch_id"
            f" left join listed l on l.rule = r.rule where r.batch_id = {self.batch} order by r.rule"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare checked − passed with the rows listed, and checked with the rows read."""
        wrong = [
            f"{row['rule']}：检查 {row['checked']}，合格 {row['passed']}，问题清单 {row['found']} 行"
            for row in rows
            if not (row["is_undelivered"] or row["checked"] - row["passed"] == row["found"])
            or not 0 <= row["passed"] <= row["checked"] <= (row["rows_read"] or 0)
        ]
        return not wrong, "；".join(wrong) if wrong else f"{len(rows)} 个结果相符"


class ExpectWithdrawalToStayWithin(StagedExpectation):
    """A full delivery withdraws no larger share of the records it speaks for than allowed."""

    maximum_loss: float
    minimum_rows: int
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "maximum_loss", "minimum_rows")

    def query(self) -> str:
        """Return the SQL for the records that were in force in the delivered scope, and those now absent."""
        return (
            f"select b.rows_withdrawn as stored, (select count(*) from staging.batch_{self.batch}_gone) as withdrawn,"
            f" (select count(*) from staging.batch_{self.batch}_key"
            " where disposition in ('changed', 'unchanged')) as kept"
            f" from quality.batch b where b.batch_id = {self.batch}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare exactly; fewer than `minimum_rows` withdrawn records never hold a delivery."""
        withdrawn, existing = int(rows[0]["withdrawn"]), int(rows[0]["withdrawn"]) + int(rows[0]["kept"])
        if rows[0]["stored"] != withdrawn:
            return False, f"撤回：台账 {rows[0]['stored']}，暂存 {withdrawn}"
        if existing == 0:
            return True, "此前没有记录"
        share = Fraction(withdrawn, existing)
        observed = f"撤回 {withdrawn:,} / {existing:,}（{percent(share)}）"
        return withdrawn < self.minimum_rows or share <= exact(self.maximum_loss), observed


class ExpectVolumeToStayNearHistory(StagedExpectation):
    """The rows read are not far from the median of the extract's last accepted deliveries."""

    factor: int
    minimum_rows: int
    deliveries: int
    success_keys: ClassVar[tuple[str, ...]] = ("batch", "factor", "minimum_rows", "deliveries")

    def query(self) -> str:
        """Return the SQL for the rows read now, and those of the deliveries before."""
        return (
            "select b.rows_read as now, h.rows_read as before from quality.batch b left join lateral ("
            " select p.rows_read from quality.batch p where p.department = b.department and p.extract = b.extract"
            " and p.batch_id <> b.batch_id and p.applied_seq is not null"
            f" order by p.as_of desc, p.applied_seq desc limit {self.deliveries}) h on true"
            f" where b.batch_id = {self.batch}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare with the median; small differences and a first delivery are not judged."""
        now = int(rows[0]["now"] or 0)
        history = [int(row["before"]) for row in rows if row["before"] is not None]
        if not history:
            return True, f"读取 {now:,} 行，此前没有交付"
        usual = median(history)
        near = abs(now - usual) < self.minimum_rows or usual / self.factor <= now <= usual * self.factor
        return near, f"读取 {now:,} 行，最近 {len(history)} 批中位数 {usual:,.0f} 行"


class ExpectTargetReadingToBeMet(FiguresExpectation):
    """A reading of a target, computed exactly by the mart, is met; one that cannot be computed is not."""

    run: Text
    reading: str
    threshold_pct: int
    success_keys: ClassVar[tuple[str, ...]] = ("run", "reading", "threshold_pct")

    def query(self) -> str:
        """Return the SQL for all readings of the run, shared by them."""
        return (
            "select reading, value, target, met, reason from mart.target_reading_run"
            f" where run_id = {literal(str(self.run))}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Take the mart's verdict, provided it was computed with this suite's threshold."""
        row = next((r for r in rows if r["reading"] == self.reading), None)
        if row is None:
            return False, "无法评定：本次运行没有这一读法的结果"
        if Fraction(row["target"]) * 100 != self.threshold_pct:
            return False, f"无法评定：集市按 {percent(Fraction(row['target']))} 计算，与要求不一致"
        if row["met"] is None:
            return False, f"无法评定：{row['reason'] or '数据不足'}"
        observed = "有一项尚无数据" if row["value"] is None else percent(Fraction(row["value"]))
        return bool(row["met"]), observed


class ExpectTargetToHoldInOtherReadings(FiguresExpectation):
    """An indicator keeps four stars, which are the target, under each reading of the plan that the run did not use."""

    run: Text
    indicator: str
    success_keys: ClassVar[tuple[str, ...]] = ("run", "indicator")

    def query(self) -> str:
        """Return the SQL for all other readings of the run, shared by the indicators."""
        return (
            "select indicator_id, parameter, reading, value_text, star from mart.reading_run"
            f" where run_id = {literal(str(self.run))} order by parameter, reading"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Name the readings under which fewer stars, or none, would be given."""
        found = [row for row in rows if row["indicator_id"] == self.indicator]
        if not found:
            return False, "无法评定：本次运行没有其他读法的结果"
        short = [
            f"{row['parameter']}={row['reading']} 时为 {row['value_text'] or '尚无数据'}"
            for row in found
            if (row["star"] or 0) < 4
        ]
        return not short, "；".join(short) if short else f"{len(found)} 种其他读法均达到"


class ExpectCrossCheckToMeetThreshold(FiguresExpectation):
    """A check across extracts, counted once by the run, reaches its threshold; nothing is computed again."""

    run: Text
    check: str
    department: str
    is_optional: bool
    threshold: float
    success_keys: ClassVar[tuple[str, ...]] = ("run", "check", "department", "is_optional", "threshold")

    def query(self) -> str:
        """Return the SQL for all checks of the run, shared by them."""
        return (
            "select check_name, department, passed, checked from quality.cross_check_run"
            f" where run_id = {literal(str(self.run))}"
        )

    def judge(self, rows: Sequence[Row]) -> Judgement:
        """Compare exactly: passed against threshold × checked. A check that met nothing says 未检查 and passes."""
        own = (r for r in rows if r["check_name"] == self.check and r["department"] == self.department)
        row = next(own, None)
        if row is None:
            return self.is_optional, "未检查" if self.is_optional else "没有检查结果"
        checked, passed = int(row["checked"]), int(row["passed"])
        return passed >= exact(self.threshold) * checked, rate(passed, checked)
