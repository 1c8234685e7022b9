"""The receipt as a workbook for people: result first, then the findings, then the rows as the department sent them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from connectors.as_of import CITY_TIME, SOURCE_WORDS
from connectors.batches import Batch
from connectors.chain import Head
from connectors.contract import DIMENSIONS, Contract
from connectors.headers import ROW_NUMBER
from connectors.receipts.content import SEVERITY_WORDS, STATUS_WORDS, DimensionScore
from connectors.tables import RECEIPT_DATE, RECEIPT_SHEET, RECEIPT_TITLE, ROWS_SHEET

SHEET_ISSUES = 50_000
"""Findings listed in the workbook; all of them are in the database."""
SHEET_ROWS = 2_000
"""Offending rows copied into the workbook."""
_CELL_TEXT = 32_000
_COMMENT_TEXT = 500
_ACTIVE = ("=", "+", "-", "@", "\t", "\r")
_SKIPPED_WORDS = {
    "preamble": "标题行",
    "blank": "空行",
    "total": "合计行",
    "repeated_header": "重复表头",
    "note": "说明行",
}


@dataclass(frozen=True)
class PlainIssue:
    """One finding with its plain value: for the department's own folder only.

    `segment` is the 0-based number of its table in the delivery, `place` what that is called where there are several.
    """

    row: int | None
    column: str | None
    header: str | None
    rule: str
    dimension: str
    severity: str
    message: str
    value: str | None
    suggestion: str | None
    segment: int = 0
    place: str = ""


@dataclass(frozen=True)
class OffendingRows:
    """Rows of one delivered table that have findings, as delivered.

    Attributes:
        segment: 0-based number of the table in the delivery.
        place: what it is called among several; else empty.
        header: its own header, in one row.
        rows: row number → cells.
        positions: contract column → 0-based position in the file.
    """

    segment: int
    place: str
    header: Sequence[str]
    rows: Mapping[int, Sequence[str | None]]
    positions: Mapping[str, int]


def render(
    batch: Batch,
    contract: Contract | None,
    *,
    file_names: Sequence[str],
    scores: Sequence[DimensionScore],
    found: Sequence[PlainIssue],
    offending: Sequence[OffendingRows],
    issue_count: int,
    notes: int,
    link: Head | None,
) -> bytes:
    """Return the workbook. Every text is written as text: no formula, no link, whatever a cell begins with.

    Args:
        found: the first `SHEET_ISSUES` findings and notes.
        issue_count: findings in all.
        notes: remarks that need no correction.
        link: of the hash chain, that records the decision.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    ) as workbook:
        styles = _Styles(workbook)
        page = _Page(workbook.add_worksheet(RECEIPT_SHEET), styles, batch, contract, link)
        several = any(issue.place for issue in found)
        names = [ROWS_SHEET if len(offending) == 1 else f"{ROWS_SHEET}-{n}" for n in range(1, len(offending) + 1)]
        page.write(file_names, scores, issue_count, notes, dict(zip(names, offending, strict=True)))
        if found:
            _issue_sheet(workbook, styles, found, issue_count + notes, several=several)
        for name, part in zip(names, offending, strict=True):
            _row_sheet(workbook, styles, name, part, [i for i in found if i.segment == part.segment])
    return buffer.getvalue()


class _Styles:
    def __init__(self, workbook: Any) -> None:
        base: dict[str, Any] = {
            "font_name": "Microsoft YaHei",
            "font_size": 10,
            "valign": "top",
            "text_wrap": True,
        }
        self.text = workbook.add_format(base)
        self.quoted = workbook.add_format(base | {"quote_prefix": True})
        self.title = workbook.add_format(base | {"bold": True, "font_size": 15, "text_wrap": False})
        self.sentence = workbook.add_format(base | {"font_size": 11, "bg_color": "#FFF7E0", "border": 1})
        self.label = workbook.add_format(base | {"bold": True, "font_color": "#555555"})
        self.header = workbook.add_format(base | {"bold": True, "bg_color": "#DCE6F1", "bottom": 1})
        kept = base | {"quote_prefix": True, "num_format": "@"}
        self.cell = workbook.add_format(kept)
        self.bad = workbook.add_format(kept | {"bg_color": "#FFC7CE", "font_color": "#9C0006"})
        self.number = workbook.add_format(base | {"num_format": "#,##0", "align": "left"})


def _write(sheet: Any, styles: _Styles, at: tuple[int, int], text: str | None, style: Any = None) -> None:
    if text is None or text == "":
        if style is not None:
            sheet.write_blank(*at, None, style)
        return
    clean = text[:_CELL_TEXT].encode("utf-8", "replace").decode("utf-8")
    sheet.write_string(*at, clean, style or (styles.quoted if clean.startswith(_ACTIVE) else styles.text))


@dataclass
class _Page:
    """The first page: result, facts, ledger, score, headers; one label and one text per line."""

    sheet: Any
    styles: _Styles
    batch: Batch
    contract: Contract | None
    link: Head | None
    line: int = 3

    def write(
        self,
        file_names: Sequence[str],
        scores: Sequence[DimensionScore],
        issue_count: int,
        notes: int,
        offending: Mapping[str, OffendingRows],
    ) -> None:
        """Write the page.

        Args:
            offending: by name of the sheet that shows them.
        """
        self.sheet.set_column(0, 0, 18)
        self.sheet.set_column(1, 1, 80)
        self.sheet.hide_gridlines(2)
        self.sheet.write_string(0, 0, RECEIPT_TITLE, self.styles.title)
        self.sheet.merge_range(1, 0, 1, 1, "", self.styles.sentence)
        self.sheet.write_string(1, 0, self.batch.summary or "", self.styles.sentence)
        self.sheet.set_row(1, 54)
        blocks = [self.facts(file_names), self.ledger(), self.scores(scores), self.headers()]
        if issue_count or notes:
            also = f"（另有提示 {notes:,} 条）" if notes else ""
            rows = "；涉及的行见“问题行”，有问题的单元格标红并附批注" if offending else ""
            blocks.append([("问题", f"共 {issue_count:,} 处{also}，见“问题清单”{rows}。"), *self.remedy(offending)])
        for block in blocks:
            for label, text in block:
                self.sheet.write_string(self.line, 0, label, self.styles.label)
                _write(self.sheet, self.styles, (self.line, 1), text)
                self.line += 1
            self.line += bool(block)

    def facts(self, file_names: Sequence[str]) -> list[tuple[str, str]]:
        """What was delivered, and what became of it."""
        batch = self.batch
        as_of = "未能确定"
        if batch.as_of is not None:
            as_of = f"{batch.as_of}（{SOURCE_WORDS[batch.as_of_source or 'declared']}）"
        scope = "；".join(f"{k}：{'、'.join(v)}" for k, v in (batch.scope or {}).items())
        facts = [
            ("结果", STATUS_WORDS[batch.status]),
            ("文件", "、".join(file_names)),
            ("数据", self.contract.title if self.contract is not None else "未能识别"),
            (RECEIPT_DATE, as_of),
            ("收到时间", batch.received_at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")),
            ("批次号", str(batch.batch_id)),
            ("文件指纹", f"SHA-256 {batch.sha256}"),
        ]
        if self.link is not None:
            facts.append(("台账链", f"第 {self.link.seq} 号 {self.link.hash}"))
        return [*facts, ("报送范围", scope)] if scope else facts

    def ledger(self) -> list[tuple[str, str]]:
        """Where every row of the file went."""
        ledger = self.batch.ledger
        if ledger is None:
            return []
        skipped = "，".join(f"{_SKIPPED_WORDS.get(k, k)} {n:,}" for k, n in ledger.skipped.items() if n)
        would = "（如放行）" if self.batch.status == "held" else ""
        return [
            ("文件行数", f"{ledger.physical:,}　其中表头 {ledger.header:,}{'，' + skipped if skipped else ''}"),
            ("数据行数", f"{ledger.read:,}"),
            (f"入库{would}", f"{ledger.loaded:,}　新增或有变化的行"),
            ("未变", f"{ledger.unchanged:,}　与已入库的内容相同"),
            ("重复", f"{ledger.duplicate:,}　内容完全相同，只保留一行"),
            ("退回", f"{ledger.rejected:,}　无法入库，见问题清单"),
            (f"撤回{would}", f"{ledger.withdrawn:,}　以前报送过、本次不再存在的记录"),
        ]

    def scores(self, scores: Sequence[DimensionScore]) -> list[tuple[str, str]]:
        """The quality score against its target, and by dimension."""
        batch = self.batch
        if batch.score is None:
            return []
        target = f"，目标 {float(batch.target):.1%}" if batch.target is not None else ""
        by_dimension = [(s.word, f"{s.score:.2%}（检查 {s.checked:,} 项次，合格 {s.passed:,}）") for s in scores]
        return [("质量得分", f"{float(batch.score):.2%}{target}"), *by_dimension]

    def remedy(self, offending: Mapping[str, OffendingRows]) -> list[tuple[str, str]]:
        """How to correct the rows and deliver them again, in a department's words."""
        if not offending or self.contract is None:
            return []
        if self.contract.mode == "full":
            how = (
                "本数据每次须报送完整清单。请对照“问题行”中的行号，在本部门的完整文件中改正，然后整份重新报送。"
                "不要只报送“问题行”：清单中没有的记录会被视为已取消，系统将暂缓或退回这样的文件。"
            )
        else:
            how = (
                "在“问题行”中改正标红的单元格（批注写有原因和建议），保存后把本工作簿放回收件箱即可；也可以只把该工作表另存为文件报送。"
                "第一列“行号”是原文件的行号，不必改动；没有问题的行不受影响，不必重新报送。"
            )
        places = [(name, part.place) for name, part in offending.items() if part.place]
        return [("怎样改正", how), *places]

    def headers(self) -> list[tuple[str, str]]:
        """What was understood by similarity, left out or missing among the headers."""
        match, contract = self.batch.header_match, self.contract
        if match is None or contract is None:
            return []
        known = contract.columns
        columns = [c for c in match.get("columns", []) if c.get("header")]
        similar = [
            f"{c['header']} → {known[c['column']].header}（{c['confidence']:.0%}）"
            for c in columns
            if c["how"] == "similar" and c["column"] in known
        ]
        units = [f"{c['header']}（{c['unit']}）" for c in columns if c.get("unit") and c["unit"] not in c["header"]]
        unused = [c["header"] for c in columns if c["how"] in ("unknown", "duplicate")]
        missing = [known[name].header for name in match.get("missing", []) if name in known]
        blocks = (
            ("按相近的列名识别", similar),
            ("按表上方的单位", units),
            ("未采用的列", unused),
            ("文件中没有的列", missing),
        )
        sure = [("表头识别", f"可信度 {match['confidence']:.0%}")] if "confidence" in match else []
        return [*sure, *((label, "、".join(headers)) for label, headers in blocks if headers)]


def _issue_sheet(
    workbook: Any, styles: _Styles, found: Sequence[PlainIssue], issue_count: int, *, several: bool
) -> None:
    sheet = workbook.add_worksheet("问题清单")
    titles = [("行号", 8), ("列", 18), ("问题", 48), ("程度", 8), ("原值", 30), ("建议", 30), ("质量维度", 12)]
    titles = [("位置", 24), *titles] if several else titles
    for position, (title, width) in enumerate(titles):
        sheet.set_column(position, position, width)
        sheet.write_string(0, position, title, styles.header)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(found), len(titles) - 1)
    first = int(several)
    for line, issue in enumerate(found, 1):
        if several:
            _write(sheet, styles, (line, 0), issue.place)
        if issue.row is not None:
            sheet.write_number(line, first, issue.row, styles.number)
        dimension = DIMENSIONS.get(issue.dimension[:2], issue.dimension)
        texts = (issue.header or "整行", issue.message, SEVERITY_WORDS.get(issue.severity, issue.severity),
                 issue.value, issue.suggestion, dimension)  # fmt: skip
        for position, text in enumerate(texts, first + 1):
            _write(sheet, styles, (line, position), text)
    if issue_count > len(found):
        note = f"另有 {issue_count - len(found):,} 处未列出，请先改正以上问题。"
        sheet.write_string(len(found) + 2, first, note, styles.text)


def _row_sheet(workbook: Any, styles: _Styles, name: str, part: OffendingRows, found: Sequence[PlainIssue]) -> None:
    sheet = workbook.add_worksheet(name)
    sheet.set_column(0, 0, 8)
    sheet.set_column(1, max(1, len(part.header)), 20)
    sheet.write_string(0, 0, ROW_NUMBER, styles.header)
    for position, header in enumerate(part.header, 1):
        _write(sheet, styles, (0, position), header, styles.header)
    sheet.freeze_panes(1, 1)
    reasons: dict[tuple[int, int], list[str]] = {}
    for issue in found:
        if issue.row is not None and issue.row in part.rows:
            position = 0 if issue.column is None else part.positions.get(issue.column, -1) + 1
            text = issue.message + (f"建议：{issue.suggestion}" if issue.suggestion else "")
            reasons.setdefault((issue.row, position), []).append(text)
    for line, (row_no, cells) in enumerate(sorted(part.rows.items()), 1):
        for position, cell in enumerate([str(row_no), *cells]):
            why = reasons.get((row_no, position))
            _write(sheet, styles, (line, position), cell, styles.bad if why else styles.cell)
            if why:
                sheet.write_comment(line, position, "\n".join(why)[:_COMMENT_TEXT], {"author": "数据仓库"})
