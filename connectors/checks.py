"""Row checks: from text batches to typed rows, findings and rule results, each contract rule evaluated once.

Usage: `run = check(find_tables(open_file(path, limits=limits), [contract])[0], codes, as_of=as_of)`; iterate `run` for
`CheckedBatch`es of bounded size, then read `run.totals`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl
import pyarrow as pa

from connectors.ahead import ahead
from connectors.contract import (
    AgreesWithId,
    CodeList,
    Column,
    ColumnType,
    Contract,
    DateOrder,
    NumberOrder,
    RequiredIf,
)
from connectors.fill_down import FillDown
from connectors.findings_log import ISSUE_SCHEMA, WHOLE_ROW, FindingsLog, Subject, to_record_batch
from connectors.headers import ColumnMatch
from connectors.known_rows import PRINTS, KnownRows, Same, heading, prints_of_cells, prints_of_lines
from connectors.lost_zeros import LostZeros
from connectors.marks import Mark, counted, packed
from connectors.normalise import FINDINGS, ColumnReader, Context, Normalised, normalise
from connectors.normalise.identifiers import birth_dates, sex_words
from connectors.normalise.standards import licence_checks
from connectors.readers.model import Looked, Recognised, TextBatch, joined
from connectors.rejected_rows import NO_CANDIDATES, candidates
from connectors.row_kinds import SKIPPED, RowKinds, tell_apart
from connectors.rule_tally import CHECKED, FAILED, CheckResult, RuleTally, range_text
from connectors.tables import Table
from connectors.torn_rows import GARBLED, SHIFTED, garbled_rows, shifted_rows

__all__ = ["ISSUE_SCHEMA", "CheckResult", "CheckRun", "CheckTotals", "CheckedBatch", "check", "row_schema"]

_TEST_WORDS = (
    r"^(?i:test)[\s_\-]*\d*$"
    r"|^(?i:测试|test)(一下|数据|用户|企业|公司|单位|部门|人员|记录|账号|员)?[\s_\-]*[0-9a-zA-Z一二三四五六]*$"
)
_PLACEHOLDER_PHONE = r"^1380013800\d$"
_TEST_SIGNS = "(?i)test|测试|1380013800"
"""One of them stands in all test data."""
_TEST_DATA_BYTES = 60
_BOOL_WORDS = {True: {"是", "有", "1", "true", "Y"}, False: {"否", "无", "0", "false", "N"}}
_FEW_ROWS = 8192
"""Fewer rows wait for more: to look at a batch costs as much as to look at some thousand rows."""
_TRUNCATED_IDS = 2
"""From so many numbers ending in 000 on, the column was truncated to 15 digits by a spreadsheet."""


def row_schema(contract: Contract) -> pa.Schema:
    """Return the schema of the typed rows: `contract.fields` (texts as string views), then `_row_no` (int64)."""
    fields = [pa.field(f.name, pa.string_view() if pa.types.is_string(f.arrow) else f.arrow) for f in contract.fields]
    return pa.schema([*fields, pa.field("_row_no", pa.int64())])


@dataclass(frozen=True)
class CheckedBatch:
    """Typed rows that may be loaded, and every finding on the records they came from.

    Attributes:
        rows: `row_schema(contract)`; rejected rows are not among them.
        issues: `ISSUE_SCHEMA`; a rejected row has at least one whose rule is `row.structure`, `row.key` or
            `<column>.required`.
        rejected: `CANDIDATE_SCHEMA`: what the rejected rows of a full list may have as their keys.
        noted: of each of `rows` its prints and marks (`known_rows`), null where the row has a finding; None where
            nothing is to be noted.
        same: known rows: none of them is among `rows`, and none has a finding.
    """

    rows: pa.RecordBatch
    issues: pa.RecordBatch
    rejected: pa.RecordBatch
    noted: pl.DataFrame | None = None
    same: Same | None = None


@dataclass(frozen=True)
class CheckTotals:
    """The row ledger of one table and its rule results, in contract order.

    `physical = header + sum(skipped.values()) + read`, `read = rows yielded + rejected`.

    Attributes:
        skipped: always the five keys `preamble`, `blank`, `total`, `repeated_header`, `note`.
        issues: findings on the delivery as a whole (unknown or missing columns, …), `ISSUE_SCHEMA`.
    """

    physical: int
    header: int
    skipped: Mapping[str, int]
    read: int
    rejected: int
    results: tuple[CheckResult, ...]
    issues: pa.RecordBatch


def check(
    table: Table, codes: Mapping[str, CodeList], *, as_of: date, noting: bool = False, known: KnownRows | None = None
) -> CheckRun:
    """Normalise and judge every record of the table.

    A cell that cannot be read becomes null and an issue; a row without a usable key, without a required value or with
    a broken structure is rejected and listed.

    Args:
        table: from `find_tables`; its batches are consumed.
        codes: code lists by name (`Contracts.codes`).
        as_of: business date of the delivery; dates of birth and `not_after_as_of` columns must not lie after it.
        noting: batches say what their rows may be known by, and known ones are looked for.
        known: rows that need not be read; of use with `noting` only.

    Returns:
        An iterator of batches that knows the totals at its end. Contract rules `unique` and `reference` are not among
        its results: they are evaluated set-based in staging.
    """
    return CheckRun(table, Context(codes, as_of, epoch_1904=table.epoch_1904), noting=noting, known=known)


class CheckRun:
    """One pass over a table; iterate it once, then read `totals`."""

    def __init__(self, table: Table, context: Context, *, noting: bool, known: KnownRows | None) -> None:
        self._table = table
        self._context = context
        self._known = known
        self._readers = _readers(table, context)
        self._tally = RuleTally(table.contract)
        self._schema = row_schema(table.contract)
        self._skipped = Counter({"preamble": table.preamble_rows, "blank": table.blank_rows})
        self._read = self._rejected = 0
        self._truncated: Counter[str] = Counter()
        self._fill_down = FillDown(table)
        self._lost_zeros = LostZeros(table.contract, context.codes)
        self._marks: list[Mark] = [*self._tally.marks, *self._lost_zeros.marks]
        found = table.header.matched()
        self._printed = {n: str(found[n].position) for n in table.contract.columns if n in found} if noting else {}
        self._heading = heading("cells", [(n, found[n].unit) for n in self._printed], context.epoch_1904)
        self._noting = noting
        self._totals: CheckTotals | None = None

    def __iter__(self) -> Iterator[CheckedBatch]:
        batches = self._table.batches(self._look if self._noting else None)
        told_apart = ((batch, tell_apart(batch, self._table)) for batch in _gathered(batches))
        for batch, kinds in ahead(told_apart):
            yield self._check(batch, kinds)
        self._totals = self._sum_up()

    @property
    def totals(self) -> CheckTotals:
        """Return the totals.

        Raises:
            RuntimeError: the batches are not all read yet.
        """
        if self._totals is None:
            raise RuntimeError("the totals are known after the last batch")
        return self._totals

    def _look(self, lines: pl.Series, form: str) -> Looked:
        """Return what lines are known by, and which are known.

        A known line was noted as data without a finding. Under the same header, delimiter and number of fields it has
        the same cells in the same columns, and what tells data from totals, notes, repeated headers and torn rows looks
        at a record's own cells only (`row_kinds`, `torn_rows`). Filling blanks alone looks at the row above: rows of a
        batch in which a blank was filled are noted by their cells, and lines are not looked up while one may be filled.
        This is called by the thread that reads ahead and may learn late that none will be: the rows of such a batch are
        found by the same prints when it is checked.
        """
        table = self._table
        facts = heading("line", form, table.header_rows, table.header.columns, self._context.epoch_1904)
        words = prints_of_lines(lines, facts)
        if self._known is None or not self._fill_down.is_settled:
            return Looked(words, None)
        return Looked(words, self._known.find(words))

    def _check(self, batch: TextBatch, kinds: RowKinds) -> CheckedBatch:
        log = FindingsLog()
        data = kinds.kind.is_null()
        lost = self._account(batch, kinds, log)
        if not len(batch) and batch.recognised is not None:
            nothing, same = to_record_batch(pl.DataFrame(), self._schema), self._same(batch.recognised)
            return CheckedBatch(nothing, log.record_batch(), NO_CANDIDATES, None, same)
        filled = self._fill_down.filled.total()
        cells = self._fill_down.fill(batch.cells, batch.row_no, data)
        words = batch.prints if self._fill_down.filled.total() == filled else None
        surplus = (batch.field_count > len(self._table.header_rows[-1])).fill_null(False)
        records = cells, batch.row_no, surplus
        if not data.all():
            records = cells.filter(data), batch.row_no.filter(data), surplus.filter(data)
            words = None if words is None else words.filter(data)
        if words is None:
            words = self._prints(records[0])
        if batch.recognised is None:
            same, records, words = self._recognised(records, words)
        else:
            same = self._same(batch.recognised)
        judged = _Rows(self._table, self._context, self._readers, tally=self._tally, log=log, records=records)
        accepted = judged.judge()
        self._truncated.update(judged.truncated)
        seen = self._lost_zeros.look(judged.values())
        self._rejected += lost + judged.torn + len(accepted) - int(accepted.sum())
        typed, torn = judged.typed(), log.row_numbers("row.structure")
        noted = None
        if words is not None:
            marks = packed(self._marks, judged.marks | seen, len(typed))
            first = pl.when(~typed["_row_no"].is_in(log.rows())).then(PRINTS[0])
            noted = words.filter(~judged.is_torn).hstack(marks).with_columns(first).filter(accepted)
        if accepted.all() and not torn:
            rows = to_record_batch(typed, self._schema)
            return CheckedBatch(rows, log.record_batch(), NO_CANDIDATES, noted, same)
        is_torn = batch.row_no.is_in(torn)
        rejected = candidates(
            self._table.contract,
            self._context,
            torn=(batch.cells.filter(is_torn), batch.row_no.filter(is_torn)),
            unfit=typed.filter(~accepted & ~typed["_row_no"].is_in(torn)),
        )
        rows = to_record_batch(typed.filter(accepted), self._schema)
        return CheckedBatch(rows, log.record_batch(), rejected, noted, same)

    def _prints(self, cells: pl.DataFrame) -> pl.DataFrame | None:
        if not self._printed or not set(self._printed.values()) <= set(cells.columns):
            return None
        return prints_of_cells({name: cells[position] for name, position in self._printed.items()}, self._heading)

    def _account(self, batch: TextBatch, kinds: RowKinds, log: FindingsLog) -> int:
        """Count the records of a batch and list broken ones; return how many these are."""
        broken = (kinds.kind == "broken").fill_null(False)
        for kind, count in kinds.kind.drop_nulls().value_counts().rows():
            if kind in SKIPPED:
                self._skipped[kind] += count
        lost, known = int(broken.sum()), 0 if batch.recognised is None else len(batch.recognised.row_no)
        read = kinds.kind.null_count() + lost + known
        self._read += read
        rule = self._tally["row.structure"]
        self._tally.count(rule.rule, checked=read, failed=lost)
        log.add(
            WHOLE_ROW,
            rule.rule,
            dimension=rule.dimension,
            severity=rule.severity,
            message=kinds.trouble.filter(broken),
            row_no=batch.row_no.filter(broken),
        )
        return lost

    def _recognised(
        self, records: _Records, words: pl.DataFrame | None
    ) -> tuple[Same | None, _Records, pl.DataFrame | None]:
        """Return the known records of a batch, all others, and the prints of those."""
        if self._known is None or words is None:
            return None, records, words
        places = self._known.find(words)
        is_new = pl.Series(places < 0)
        if is_new.all():
            return None, records, words
        cells, row_no, surplus = records
        same = self._same(Recognised(row_no.filter(~is_new), places[places >= 0]))
        return same, (cells.filter(is_new), row_no.filter(is_new), surplus.filter(is_new)), words.filter(is_new)

    def _same(self, recognised: Recognised) -> Same | None:
        if self._known is None or not len(recognised.row_no):
            return None
        same = self._known.same(recognised.places, recognised.row_no)
        self._count_again(same)
        return same

    def _count_again(self, same: Same) -> None:
        counts = counted(self._marks, same.facts)
        self._tally.count_again(counts)
        self._lost_zeros.count(counts)

    def _column_findings(self) -> Iterator[_ColumnFinding]:
        for name, count in self._truncated.items():
            if count >= _TRUNCATED_IDS:
                message = f"本列有 {count} 个号码以 000 结尾，可能被表格软件截断为 15 位有效数字。"
                yield _ColumnFinding(name, f"{name}.check", "0301", "warning", message)
        for name, count in self._lost_zeros.suspected().items():
            message = f"没有以 0 开头的代码，而有 {count} 个较短的代码补上 0 也是代码，可能被表格软件去掉了前面的 0。"
            yield _ColumnFinding(name, f"{name}.code", "0301", "warning", message)
        for name, count in self._fill_down.filled.items():
            if count:
                message = f"有 {count} 个空白格是合并单元格留下的，已取上一行的值。"
                yield _ColumnFinding(name, f"{name}.fill_down", "0201", "info", message)

    def _sum_up(self) -> CheckTotals:
        skipped = {kind: self._skipped[kind] for kind in SKIPPED}
        return CheckTotals(
            physical=len(self._table.header_rows) + sum(skipped.values()) + self._read,
            header=len(self._table.header_rows),
            skipped=skipped,
            read=self._read,
            rejected=self._rejected,
            results=self._tally.results(),
            issues=_delivery_issues(self._table, self._context, self._column_findings()),
        )


def _gathered(batches: Iterable[TextBatch]) -> Iterator[TextBatch]:
    """Yield recognised lines at once, and the records between them when they are many or nothing is left."""
    held: list[TextBatch] = []
    for batch in batches:
        if batch.recognised is not None:
            records, known = batch.apart()
            held.append(records)
            if len(batch.recognised.row_no):
                yield known
        if held and (batch.recognised is None or sum(map(len, held)) >= _FEW_ROWS):
            yield joined(held)
            held = []
        if batch.recognised is None:
            yield batch
    if held:
        yield joined(held)


@dataclass(frozen=True)
class _ColumnFinding:
    """What only a whole column shows."""

    column: str
    rule: str
    dimension: str
    severity: str
    message: str


_Records = tuple[pl.DataFrame, pl.Series, pl.Series]
"""Cells, row numbers, and which rows have more fields than the header."""


class _Rows:
    """The data records of one batch while they are judged."""

    def __init__(
        self,
        table: Table,
        context: Context,
        readers: Mapping[str, ColumnReader],
        *,
        tally: RuleTally,
        log: FindingsLog,
        records: _Records,
    ) -> None:
        self._contract = table.contract
        self._tally = tally
        self._log = log
        delivered, self._row_no, surplus = records
        self.truncated: Counter[str] = Counter()
        self.marks: dict[Mark, pl.Series] = {}
        self._cells: dict[str, pl.Series] = {}
        self._read: dict[str, Normalised] = {}
        self._births: dict[str, pl.Series] = {}
        self._found = table.header.matched()
        for name, reader in readers.items():
            cells = _delivered(delivered, self._found.get(name))
            self._cells[name] = cells
            self._read[name] = reader.read(cells)
        self._as_of = context.as_of
        self.is_torn = self._leave_out_torn(delivered, surplus, context)
        self.torn = int(self.is_torn.sum())

    def _leave_out_torn(self, delivered: pl.DataFrame, surplus: pl.Series, context: Context) -> pl.Series:
        """Reject the rows whose cells cannot be right, before any rule is counted; return which."""
        positions = {name: match.position for name, match in self._found.items()}

        def reader(name: str, cells: pl.Series) -> Normalised:
            return normalise(cells, self._contract.columns[name], context, header_unit=self._found[name].unit)

        garbled = garbled_rows(self._contract, self._cells, self._read)
        shifted = (
            shifted_rows(self._contract, delivered, positions, self._read, reader=reader, surplus=surplus) & ~garbled
        )
        torn = garbled | shifted
        if not torn.any():
            return torn
        rule = self._tally["row.structure"]
        self._tally.count(rule.rule, checked=0, failed=int(torn.sum()))
        for rows, message in ((garbled, GARBLED), (shifted, SHIFTED)):
            self._log.add(
                WHOLE_ROW,
                rule.rule,
                dimension=rule.dimension,
                severity=rule.severity,
                message=message,
                row_no=self._row_no.filter(rows),
            )
        self._row_no = self._row_no.filter(~torn)
        self._cells = {name: cells.filter(~torn) for name, cells in self._cells.items()}
        self._read = {name: read.filter(~torn) for name, read in self._read.items()}
        return torn

    def judge(self) -> pl.Series:
        """Evaluate every rule and return which rows are accepted (Boolean)."""
        accepted = self._judge_keys()
        for name, column in self._contract.columns.items():
            accepted &= self._judge_required(name, column)
            if name in self._found:
                self._judge_cells(name)
                self._judge_bounds(name, column)
        accepted &= self._judge_test_data()
        for rule_name, rule in self._contract.rules.items():
            match rule:
                case DateOrder():
                    self._judge_date_order(rule_name, rule)
                case NumberOrder():
                    self._judge_number_order(rule_name, rule)
                case AgreesWithId():
                    self._judge_agreement_with_id(rule_name, rule)
                case RequiredIf():
                    self._judge_required_if(rule_name, rule)
                case _:
                    pass
        return accepted

    def typed(self) -> pl.DataFrame:
        """Return all rows typed, accepted or not."""
        columns: dict[str, pl.Series] = {}
        for name, column in self._contract.columns.items():
            values = self._read[name].values
            columns[name] = values["value"]
            if column.type is ColumnType.MONEY:
                stem = name.removesuffix("_cny")
                columns[f"{stem}_amount"] = values["amount"]
                columns[f"{stem}_currency"] = values["currency"]
        return pl.DataFrame(columns | {"_row_no": self._row_no})

    def values(self) -> dict[str, pl.Series]:
        """Return what was read of each column."""
        return {name: self._value(name) for name in self._read}

    def _value(self, name: str) -> pl.Series:
        return self._read[name].values["value"]

    def _subject(self, name: str) -> Subject:
        match = self._found.get(name)
        return Subject(name, match.header if match else self._contract.columns[name].header)

    def _fail(self, rule: str, name: str | None, failed: pl.Series, checked: pl.Series, message: str) -> None:
        """Count a rule and list the rows that fail it."""
        stated = self._tally[rule]
        self.marks[CHECKED, rule] = checked
        count = int(failed.sum())
        self._tally.count(rule, checked=int(checked.sum()), failed=count)
        if not count:
            return
        self._log.add(
            WHOLE_ROW if name is None else self._subject(name),
            rule,
            dimension=stated.dimension,
            severity=stated.severity,
            message=message,
            row_no=self._row_no.filter(failed),
            value=None if name is None else self._cells[name].filter(failed),
        )

    def _every(self, value: bool) -> pl.Series:
        return pl.Series([value]).new_from_index(0, len(self._row_no))

    def _judge_keys(self) -> pl.Series:
        usable = self._every(False)
        for name in (*self._contract.key, *self._contract.fallback_key):
            usable |= self._value(name).is_not_null()
        headers = "、".join(f"“{self._contract.columns[name].header}”" for name in self._contract.key)
        self._fail("row.key", None, ~usable, self._every(True), f"主键{headers}为空或无法使用，该行未采用。")
        return usable

    def _judge_required(self, name: str, column: Column) -> pl.Series:
        """Judge a required column; return which rows may stay."""
        if not column.required:
            return self._every(True)
        given = self._value(name).is_not_null() | ~self._read[name].missing
        rule = f"{name}.required"
        if name not in self._found:
            self._tally.count(rule, checked=len(given), failed=int((~given).sum()))
            self.marks |= {(CHECKED, rule): self._every(True), (FAILED, rule): ~given}
            return self._every(True)
        rejects = column.required is True
        message = "必填项为空，该行未采用。" if rejects else "应填写而为空。"
        self._fail(rule, name, ~given, self._every(True), message)
        return given if rejects else self._every(True)

    def _judge_cells(self, name: str) -> None:
        """Count what normalisation found, and list it."""
        read = self._read[name]
        given = len(read.missing) - int(read.missing.sum())
        found: dict[str, int] = {}
        if read.finding.null_count() < len(read.finding):
            found = dict(read.finding.drop_nulls().value_counts().rows())
        failed = Counter[str]()
        for key, count in found.items():
            failed[FINDINGS[key].rule] += count if FINDINGS[key].fails else 0
        for kind in ("format", "code", "check"):
            if (rule := f"{name}.{kind}") in self._tally:
                shaped = given - failed["format"] if kind != "format" else given
                self._tally.count(rule, checked=shaped, failed=failed[kind])
                self.marks[CHECKED, rule] = ~read.missing
        for key in found:
            self._list_finding(name, key)

    def _list_finding(self, name: str, key: str) -> None:
        read, finding = self._read[name], FINDINGS[key]
        hit = (read.finding == key).fill_null(False)
        if key == "id_sequence":
            self.truncated[name] += int(self._value(name).filter(hit).str.contains(r"000\d?$").sum())
        suggestion: str | pl.Series | None = finding.suggestion
        if suggestion is None and read.suggestion.null_count() < len(read.suggestion):
            suggestion = read.suggestion.filter(hit)
        message = finding.message
        if key == "code_default":
            message = f"空白，按“{self._value(name).filter(hit)[0]}”处理。"
        self._log.add(
            self._subject(name),
            f"{name}.{finding.rule}",
            dimension=self._tally[f"{name}.{finding.rule}"].dimension,
            severity=finding.severity,
            message=message,
            row_no=self._row_no.filter(hit),
            value=self._cells[name].filter(hit),
            suggestion=suggestion,
        )

    def _judge_bounds(self, name: str, column: Column) -> None:
        value = self._value(name)
        if (rule := f"{name}.range") in self._tally:
            number = self._read[name].values.get("amount", value)
            failed = self._every(False)
            if column.minimum is not None:
                failed |= (number < Decimal(str(column.minimum))).fill_null(False)
            if column.maximum is not None:
                failed |= (number > Decimal(str(column.maximum))).fill_null(False)
            self._fail(rule, name, failed, number.is_not_null(), f"应{range_text(column)}。")
        if (rule := f"{name}.pattern") in self._tally:
            matches = value.cast(pl.String).str.contains(f"^(?:{column.pattern})$")
            self._fail(rule, name, ~matches.fill_null(True), value.is_not_null(), "不符合规定的格式。")
        if (rule := f"{name}.check_character") in self._tally:
            right = licence_checks(value)
            self._fail(rule, name, (~right).fill_null(False), right.is_not_null(), "校验位不符，请核对。")
        if (rule := f"{name}.not_after_as_of") in self._tally:
            late = (_day(value) > self._as_of).fill_null(False)
            self._fail(rule, name, late, value.is_not_null(), f"晚于数据日期 {self._as_of}。")

    def _judge_test_data(self) -> pl.Series:
        """Judge whether rows are test data; return which rows may stay.

        A required text that is a test word and nothing else (测试, test01) makes the row no record of anything: it is
        rejected. Elsewhere, and for the placeholder phone number that real people's records carry too, it is told.
        """
        flagged, may_stay = self._every(False), self._every(True)
        stated = self._tally["row.test_data"]
        for name, column in self._contract.columns.items():
            if column.type is not ColumnType.TEXT or name not in self._found:
                continue
            value, distinct = self._value(name), self._read[name].distinct
            texts = value if distinct is None else distinct
            if not texts.str.contains(_TEST_SIGNS).any():
                continue
            short = (value.str.len_bytes() <= _TEST_DATA_BYTES).fill_null(False)
            words = short & value.str.contains(_TEST_WORDS).fill_null(False)
            hit = words | (short & value.str.contains(_PLACEHOLDER_PHONE).fill_null(False))
            rejects = column.required is True
            for rows, message in (
                (words & rejects, "是测试数据，该行未采用。"),
                (hit & ~(words & rejects), "疑似测试数据。"),
            ):
                self._log.add(
                    self._subject(name),
                    stated.rule,
                    dimension=stated.dimension,
                    severity=stated.severity,
                    message=message,
                    row_no=self._row_no.filter(rows),
                    value=self._cells[name].filter(rows),
                    suggestion="请核实，属测试数据的请删除。",
                )
            flagged |= hit
            may_stay &= ~(words & rejects)
        self._tally.count(stated.rule, checked=len(flagged), failed=int(flagged.sum()))
        self.marks[CHECKED, stated.rule] = self._every(True)
        return may_stay

    def _judge_date_order(self, name: str, rule: DateOrder) -> None:
        earlier, later = self._value(rule.earlier), self._value(rule.later)
        if self._contract.columns[rule.earlier].type is ColumnType.ID:
            earlier = self._born(rule.earlier)
        if earlier.dtype != later.dtype:
            earlier, later = _day(earlier), _day(later)
        self._fail(
            name,
            rule.later,
            (earlier > later).fill_null(False),
            earlier.is_not_null() & later.is_not_null(),
            rule.message,
        )

    def _judge_number_order(self, name: str, rule: NumberOrder) -> None:
        smaller, larger = (self._value(n).cast(pl.Decimal(38, 6)) for n in (rule.smaller, rule.larger))
        both = smaller.is_not_null() & larger.is_not_null()
        self._fail(name, rule.larger, (smaller > larger).fill_null(False), both, rule.message)

    def _judge_agreement_with_id(self, name: str, rule: AgreesWithId) -> None:
        value = self._value(rule.column)
        stated = self._born(rule.id_column)
        if value.dtype != pl.Date:
            sexes = sex_words(self._value(rule.id_column))
            stated = pl.select(pl.when(stated.is_not_null() & value.is_in(["男", "女"])).then(sexes)).to_series()
        both = value.is_not_null() & stated.is_not_null()
        self._fail(name, rule.column, (value != stated).fill_null(False), both, rule.message)

    def _born(self, id_column: str) -> pl.Series:
        if id_column not in self._births:
            self._births[id_column] = birth_dates(self._value(id_column))
        return self._births[id_column]

    def _judge_required_if(self, name: str, rule: RequiredIf) -> None:
        applies = self._every(True)
        for column, words in rule.when.items():
            applies &= _one_of(self._value(column), words)
        self._fail(name, rule.column, applies & self._value(rule.column).is_null(), applies, rule.message)


def _readers(table: Table, context: Context) -> dict[str, ColumnReader]:
    found = table.header.matched()
    return {
        name: ColumnReader(column, context, header_unit=found[name].unit if name in found else None)
        for name, column in table.contract.columns.items()
    }


def _delivered(cells: pl.DataFrame, match: ColumnMatch | None) -> pl.Series:
    if match is None or str(match.position) not in cells.columns:
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(cells))
    return cells[str(match.position)]


def _day(moment: pl.Series) -> pl.Series:
    return moment if moment.dtype == pl.Date else moment.dt.date()


def _one_of(value: pl.Series, words: list[str]) -> pl.Series:
    if value.dtype == pl.Boolean:
        wanted = [truth for truth, texts in _BOOL_WORDS.items() if texts & set(words)]
        return value.is_in(wanted).fill_null(False)
    return value.cast(pl.String).is_in(words).fill_null(False)


def _delivery_issues(table: Table, context: Context, columns: Iterable[_ColumnFinding]) -> pa.RecordBatch:
    """List what concerns the delivery as a whole: its header, and what its columns show only as a whole."""
    contract, log = table.contract, FindingsLog()

    def add(subject: Subject, rule: str, dimension: str, severity: str, message: str) -> None:
        nowhere = pl.Series([None], dtype=pl.Int64)
        log.add(subject, rule, dimension=dimension, severity=severity, message=message, row_no=nowhere)

    for match in table.header.columns:
        match match.how:
            case "unknown":
                message = match.reason or "契约中没有这一列，未采用。"
                add(Subject(None, match.header), "header.unknown", "0102", "info", message)
            case "ignored":
                add(Subject(None, match.header), "header.ignored", "0102", "info", "这一列按约定不采用。")
            case "duplicate":
                message = "与前面的列重复，未采用。"
                add(Subject(None, match.header), "header.duplicate", "0102", "warning", message)
            case "similar":
                title = contract.columns[str(match.column)].header
                message = f"按相近的列名识别为“{title}”（相似度 {match.confidence:.0%}）。"
                add(Subject(match.column, match.header), "header.similar", "0102", "info", message)
            case _:
                pass
    for other in table.other_sheets:
        severity = "warning" if other.looks_filled else "info"
        add(WHOLE_ROW, "sheet.other", "0102", severity, other.told)
    for name in table.header.missing:
        column = contract.columns[name]
        default = context.codes[column.codes].default if column.codes is not None else None
        told = f"没有这一列，全部按“{default}”处理。" if default is not None else "没有这一列。"
        severity = "warning" if column.required else "info"
        add(Subject(name, column.header), "header.missing", "0201", severity, told)
    for found in columns:
        header = table.header.matched()[found.column].header
        add(Subject(found.column, header), found.rule, found.dimension, found.severity, found.message)
    return log.record_batch()
