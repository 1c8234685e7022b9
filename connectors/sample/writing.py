"""Write a sample city: every contract's extract as its department would deliver it, in one or more rounds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import polars as pl

from connectors.contract import Contract, Contracts, Reference
from connectors.errors import UserError
from connectors.sample import generic, spoiled
from connectors.sample.calendar import load_calendar
from connectors.sample.city import City, Profile
from connectors.sample.dirt import NO_DIRT, DirtList, Effect, Planted, load_dirt, plant_cells
from connectors.sample.draws import stream
from connectors.sample.entities import make_entities
from connectors.sample.layout import Edition, LaidOut, lay_out
from connectors.sample.operands import all_operands
from connectors.sample.places import load_places
from connectors.sample.population import make_population
from connectors.sample.registers import LATE, delivered, earlier_list, named_registers, next_round
from connectors.sample.rendering import as_text
from connectors.sample.truth import Defect, SampleFile, write_files, write_people, write_round
from connectors.sample.writers import FORMATS, LARGE_FORMAT, WORKBOOK_ROWS, Format, write
from connectors.settings import CHECKOUT

DEFAULT_SEED = 371_000
DEFAULT_AS_OF = date(2021, 9, 30)
SEEDS = CHECKOUT / "seeds"
_ENTITIES_PER_PERSON = 0.2
_SKIPPED = {
    "title_rows": "preamble",
    "blank_line": "blank",
    "total_row": "total",
    "repeated_header": "repeated_header",
    "notes": "note",
}


@dataclass(frozen=True)
class SampleReport:
    """What was written."""

    files: tuple[SampleFile, ...]
    persons: int
    entities: int
    defects: int


def write_city(
    contracts: Contracts,
    out: Path,
    *,
    persons: int = 20_000,
    seed: int = DEFAULT_SEED,
    profile: str = Profile.DEFAULT.value,
    as_of: date = DEFAULT_AS_OF,
    deliveries: int = 1,
    truth: Path | None = None,
    everything: bool = False,
) -> SampleReport:
    """Write a sample city; the same arguments give the same bytes.

    Args:
        contracts: those the city knows by name get an extract that is consistent with all others.
        out: folder of the first round, `<department>/<extract>/<FILE>` with `<FILE>.delivery.json` beside each;
            round n lies below it in `round-<n>`.
        persons: size of the population, 100 or more.
        seed: seed of every random stream.
        profile: default, clean or failing.
        as_of: business date of the first round; later rounds follow month by month.
        deliveries: number of rounds, the first included.
        truth: folder for what is true of the city, if wanted.
        everything: also write an extract for every other contract, made from the contract alone.

    Raises:
        UserError: an argument is out of range, or `out` already holds something.
    """
    chosen = _checked(out, persons, profile, deliveries)
    dirt = load_dirt() if chosen is Profile.DEFAULT else NO_DIRT
    city = found_city(persons=persons, seed=seed, profile=chosen, as_of=as_of)
    files: list[SampleFile] = []
    defects: list[Defect] = []
    before: dict[str, pl.DataFrame] | None = None
    if truth is not None:
        write_people(truth, city.population)
    for round_no in range(1, deliveries + 1):
        if round_no > 1:
            city = next_round(city)
        folder = out if round_no == 1 else out / f"round-{round_no}"
        named = named_registers(city, before)
        written = contracts if everything else _only(contracts, named)
        registers = _all_registers(written, city, named, before)
        writer = _RoundWriter(written, city, dirt, _formats(written, seed), folder, files, defects)
        writer.write_all(registers, before)
        if truth is not None:
            operands = all_operands(
                named, city.as_of, city.calendar, city.cycle_days, city.entities.select("uscc", "district")
            )
            place = truth if round_no == 1 else truth / f"round-{round_no}"
            write_round(place, city.as_of, chosen.value, city.entities, operands)
        before = registers
    if truth is not None:
        write_files(truth, files, defects)
    return SampleReport(tuple(files), persons, len(city.entities), len(defects))


def found_city(*, persons: int, seed: int, profile: Profile, as_of: date, seeds: Path = SEEDS) -> City:
    """Make the city of the first round: its people and companies."""
    places = load_places(seeds / "divisions.csv")
    population = make_population(persons, stream(seed, "population"), as_of, places)
    count = max(round(persons * _ENTITIES_PER_PERSON), 20)
    cycles = pl.read_csv(seeds / "update_cycles.csv", infer_schema=False)
    return City(
        seed=seed,
        profile=profile,
        as_of=as_of,
        first_as_of=as_of,
        round_no=1,
        places=places,
        calendar=load_calendar(seeds / "calendar_exceptions.csv"),
        cycle_days=dict(zip(cycles["update_cycle"], cycles["days"].cast(pl.Int64), strict=True)),
        population=population,
        entities=make_entities(count, stream(seed, "entities"), as_of, population, places),
    )


def _checked(out: Path, persons: int, profile: str, deliveries: int) -> Profile:
    if profile not in set(Profile):
        raise UserError(f"没有样例方案“{profile}”：可用 {'、'.join(Profile)}")
    if persons < 100:
        raise UserError(f"人口 {persons} 太少：样例城市至少 100 人")
    if deliveries < 1:
        raise UserError(f"报送轮数 {deliveries} 无效：至少 1 轮")
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} 不是空文件夹：请换一个新的输出文件夹")
    return Profile(profile)


def _only(contracts: Contracts, ids: Container[str]) -> Contracts:
    return replace(contracts, by_id={i: contract for i, contract in contracts.items() if i in ids})


def _formats(contracts: Contracts, seed: int) -> dict[str, Format]:
    """Give every extract one of the formats, each about equally often."""
    order = stream(seed, "formats").permutation(len(contracts))
    return {contract: FORMATS[int(place) % len(FORMATS)] for contract, place in zip(contracts, order, strict=True)}


def _all_registers(
    contracts: Contracts, city: City, named: Mapping[str, pl.DataFrame], before: Mapping[str, pl.DataFrame] | None
) -> dict[str, pl.DataFrame]:
    """Add to the registers known by name those made from a contract alone, referred ones first."""
    references = {
        contract.id: {r.extract for r in contract.rules.values() if isinstance(r, Reference)} - {contract.id}
        for contract in contracts.values()
    }
    registers = dict(named)
    for contract_id in TopologicalSorter({k: sorted(v) for k, v in sorted(references.items())}).static_order():
        if contract_id in registers or contract_id not in contracts:
            continue
        if before is None:
            registers[contract_id] = generic.make_register(contracts[contract_id], contracts.codes, city, registers)
        else:
            registers[contract_id] = _generic_later(contracts[contract_id], city, before[contract_id])
    return registers


def _generic_later(contract: Contract, city: City, before: pl.DataFrame) -> pl.DataFrame:
    """Let a full list lose one row in a hundred; other lists stay as they are."""
    if contract.mode != "full":
        return before
    gone = city.stream("generic later", contract.id, city.round_no).permutation(len(before))[: len(before) // 100]
    kept = np.ones(len(before), dtype=np.bool_)
    kept[gone] = False
    return before.filter(pl.Series(kept))


@dataclass(frozen=True)
class _RoundWriter:
    """Writes the files of one round and keeps account of them."""

    contracts: Contracts
    city: City
    dirt: DirtList
    formats: Mapping[str, Format]
    folder: Path
    files: list[SampleFile]
    defects: list[Defect]

    def write_all(self, registers: Mapping[str, pl.DataFrame], before: Mapping[str, pl.DataFrame] | None) -> None:
        """Write one file per contract, the late one, and last the bad one."""
        for contract in self.contracts.values():
            if self.city.round_no == 2 and contract.id == LATE:
                day, table = earlier_list(self.city)
                self.write_register(contract, table, day)
            earlier = None if before is None else before[contract.id]
            table_now = delivered(contract, registers[contract.id], earlier)
            if table_now is not None:
                self.write_register(contract, table_now, self.city.as_of)
        has_bad = self.city.profile is Profile.DEFAULT and self.city.round_no == 1
        if has_bad and spoiled.EXTRACT in self.contracts:
            self.write_spoiled(self.contracts[spoiled.EXTRACT], registers[spoiled.EXTRACT])

    def write_register(self, contract: Contract, table: pl.DataFrame, as_of: date) -> None:
        """Write one good file, with its dirt."""
        table = generic.fill_required(table, contract, self.contracts.codes, self.city)
        text = as_text(table, contract)
        planted: list[Planted] = []
        if self.dirt.cells:
            label = f"{self.city.round_no} {as_of}"
            text, planted = plant_cells(text, contract, self.contracts.codes, self.dirt, (self.city.seed, label))
        edition = self._edition(contract, self.dirt, len(text), as_of)
        self._write(_Written(edition, lay_out(text, edition), tuple(planted)))

    def write_spoiled(self, contract: Contract, table: pl.DataFrame) -> None:
        """Write the bad file: the same extract and date, delivered again."""
        text, planted = spoiled.spoil(as_text(table, contract), self.city.stream("spoiled"))
        edition = self._edition(contract, NO_DIRT, len(table), self.city.as_of)
        self._write(_Written(edition, lay_out(text, edition), tuple(planted), ending="_重报", verdict="held"))

    def _edition(self, contract: Contract, dirt: DirtList, rows: int, as_of: date) -> Edition:
        form = self.formats[contract.id]
        if form.kind == "xlsx" and rows > WORKBOOK_ROWS:
            form = LARGE_FORMAT
        return Edition(contract, dirt, form, self.city.seed, self.city.round_no, as_of)

    def _write(self, written: _Written) -> None:
        edition = written.edition
        path = self.folder / written.file
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, written.laid.sheet, edition.form, edition.contract.title, edition.as_of)
        side = json.dumps({"as_of": edition.as_of.isoformat()}) + "\n"
        path.with_name(f"{path.name}.delivery.json").write_text(side, encoding="utf-8")
        self.defects.extend(written.defects)
        self.files.append(written.record())


@dataclass(frozen=True)
class _Written:
    """One file and what was planted in it."""

    edition: Edition
    laid: LaidOut
    planted: tuple[Planted, ...]
    ending: str = ""
    verdict: str = "accepted"

    @property
    def file(self) -> str:
        """Path below the round's folder; the name is in the department's own manner."""
        contract, day = self.edition.contract, self.edition.as_of
        manners = (
            f"{contract.title}_{day:%Y%m%d}",
            f"{contract.title}{day:%Y%m%d}",
            f"{contract.title}（{day.year}年{day.month}月{day.day}日）",
        )
        manner = manners[int(stream(self.edition.seed, contract.id, "name").integers(len(manners)))]
        return f"{contract.department}/{contract.extract}/{manner}{self.ending}{self.edition.form.suffix}"

    @cached_property
    def defects(self) -> list[Defect]:
        """Return every planted defect by its place in the file."""
        place = (self.edition.round_no, self.edition.contract.id, self.file)
        rows, headers = self.laid.rows, self.laid.headers
        cells = [
            Defect(
                *place, int(rows[p.index]), p.column, headers[p.column], p.defect, p.effect.value, p.original, p.planted
            )
            for p in self.planted
        ]
        return cells + [
            Defect(*place, d.row, None, None, d.defect, d.effect.value, None, None) for d in self.laid.defects
        ]

    def record(self) -> SampleFile:
        """Return the file's expected ledger and verdict."""
        defects, form, laid = self.defects, self.edition.form, self.laid
        skipped = Counter(_SKIPPED[d.defect] for d in laid.defects if d.effect is Effect.SKIPPED)
        return SampleFile(
            round_no=self.edition.round_no,
            contract=self.edition.contract.id,
            file=self.file,
            as_of=self.edition.as_of,
            encoding=form.encoding if form.kind == "csv" else form.kind,
            rows_physical=laid.sheet.physical,
            rows_skipped=dict(sorted(skipped.items())),
            rows_read=len(laid.sheet.body),
            rows_duplicate=laid.duplicates,
            rows_rejected=len({d.row for d in defects if d.effect == Effect.REJECTED}),
            verdict=self.verdict,
        )
