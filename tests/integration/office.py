"""A department's desk for tests: deliver rows as a file, let a pretended gate decide, look at what became of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors import intake, landing
from connectors.archive import NotWholeError
from connectors.contract import Contract, Contracts, load_contracts
from connectors.database import connect
from connectors.settings import Settings

CONTRACTS = {
    "list": """
title: 名单
description: 试验用的全量名单。
key: [code]
identity: [name, born_on]
mode: full
cycle: monthly
person: true
sharing: {type: 不予共享, basis: 试验}
columns:
  code: {header: 证件号码, type: id, required: warning, level: L4}
  name: {header: 姓名, type: text, required: true}
  born_on: {header: 出生日期, type: date}
  phone: {header: 联系电话, type: text}
  note: {header: 备注内容, type: text, level: L2}
fallback_key: [name, born_on]
""",
    "change": """
title: 变更
description: 试验用的增量数据。
key: [code]
mode: incremental
cycle: daily
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
  value: {header: 数值, type: int}
  operation: {header: 操作类型, type: code, codes: operation}
""",
    "event": """
title: 事件
description: 试验用的追加数据。
key: [code]
mode: append
cycle: daily
sharing: {type: 无条件共享}
columns:
  code: {header: 编号, type: text, required: true}
  value: {header: 数值, type: int}
""",
    "yearly": """
title: 年度数据
description: 试验用的分年全量数据。
key: [year, code]
mode: full
cycle: yearly
sharing: {type: 无条件共享}
columns:
  year: {header: 年份, type: period, required: true, pattern: '^\\d{4}$'}
  code: {header: 编号, type: text, required: true}
  value: {header: 数值, type: int}
  of: {header: 所属编号, type: text}
rules:
  of_known:
    kind: reference
    column: of
    extract: test_office__change
    to: code
    dimension: "0402"
    message: 所属编号应在变更数据中。
  value_once:
    kind: unique
    columns: [value]
    dimension: "0304"
    message: 数值不得重复。
""",
}


def with_test_contracts(settings: Settings, folder: Path) -> tuple[Settings, Contracts]:
    """Return settings that know the test extracts besides the real ones."""
    office = folder / "test_office"
    office.mkdir(parents=True, exist_ok=True)
    for name, text in CONTRACTS.items():
        (office / f"{name}.yml").write_text(text, encoding="utf-8")
    extended = replace(settings, contract_folders=(*settings.contract_folders, folder))
    return extended, load_contracts(extended.contract_folders)


def csv_bytes(contract: Contract, rows: Sequence[Mapping[str, Any]], *, encoding: str = "utf-8") -> bytes:
    """Return a CSV of a contract's columns with its Chinese headers."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([c.header for c in contract.columns.values()])
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in contract.columns])
    return text.getvalue().encode(encoding)


@dataclass
class Office:
    """Delivers, decides and looks."""

    settings: Settings
    contracts: Contracts
    now: datetime
    department: str = "test_office"

    def put(self, name: str, content: bytes, extract: str | None = "list", **side: Any) -> Path:
        inbox = self.settings.landing / self.department / "inbox"
        path = (inbox / extract if extract is not None else inbox) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if side:
            text = json.dumps(side, default=str)
            path.with_name(f"{path.name}.delivery.json").write_text(text, encoding="utf-8")
        return path

    def run(self, verdicts: Mapping[int, bool] | None = None, *, passes: bool = True) -> list[int]:
        """Do what a run does: resume, receive all, decide all staged in order; return the batches touched."""
        touched = []
        for unfinished in intake.unfinished(self.settings):
            with suppress(NotWholeError):  # it is received once more
                touched.append(self.resume(unfinished))
        waiting = landing.scan(self.settings.landing, self.contracts, settle_seconds=0)
        touched += [intake.receive(self.settings, self.contracts, d, run_id="r", now=self.tick()) for d in waiting]
        for (batch_id,) in self.rows("select batch_id from quality.batch where status = 'staged' order by as_of, 1"):
            passed = (verdicts or {}).get(batch_id, passes)
            verdict = intake.GateVerdict(batch_id, passed, None, () if passed else ("质量得分 42%，低于目标 90%。",))
            intake.decide(self.settings, self.contracts, verdict, now=self.tick())
        return touched

    def resume(self, batch_id: int) -> int:
        return intake.resume(self.settings, self.contracts, batch_id, run_id="r", now=self.tick())

    def deliver(
        self, extract: str, rows: Sequence[Mapping[str, Any]], as_of: date | None = None, *, passes: bool = True,
        name: str = "a.csv", **side: Any,
    ) -> int:  # fmt: skip
        contract = self.contracts[f"{self.department}__{extract}"]
        declared = {"as_of": as_of} if as_of is not None else {}
        self.put(name, csv_bytes(contract, rows), extract, **declared, **side)
        [batch_id] = self.run(passes=passes)
        return batch_id

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connect(self.settings.dsn()) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def execute(self, statement: str) -> None:
        with connect(self.settings.dsn()) as connection:
            connection.execute(statement.encode())

    def batch(self, batch_id: int, columns: str = "status") -> Any:
        [row] = self.rows(f"select {columns} from quality.batch where batch_id = %s", batch_id)
        return row[0] if len(row) == 1 else row

    def current(self, extract: str, columns: str = "code, value") -> list[tuple[Any, ...]]:
        table = f'raw."{self.department}__{extract}"'
        if not self.rows("select 1 where to_regclass(%s) is not null", table):
            return []
        return self.rows(f"select {columns} from {table} where _closed_batch_id is null order by {columns}")

    def receipt(self, batch_id: int) -> dict[str, Any]:
        [path] = self.settings.landing.glob(f"*/receipts/**/*.{batch_id}.receipt.json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def workbook(self, batch_id: int) -> Path:
        [path] = self.settings.landing.glob(f"*/receipts/**/*.{batch_id}.receipt.xlsx")
        return path
