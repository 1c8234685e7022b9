"""Write a sample city: every contract's extract as its department would deliver it, in one or more rounds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import Contract, Contracts, Reference
from connectors.errors import UserError
from connectors.opening.datasets import open_datasets
from connectors.sample import generic, spoiled
from connectors.sample.bodies import make_bodies
from connectors.sample.calendar import load_calendar
from connectors.sample.city import ENTITY, RELEVANT, City, Profile, is_hidden
from connectors.sample.dirt import NO_DIRT, DirtList, Effect, Planted, load_dirt, plant_cells
from connectors.sample.draws import stream
from connectors.sample.entities import make_entities
from connectors.sample.layout import Edition, LaidOut, lay_out
from connectors.sample.lives import make_lives
from connectors.sample.noise import Noise
from connectors.sample.places import load_places
from connectors.sample.population import make_population
from connectors.sample.registers import (
    LATE,
    NAMED,
    delivery,
    earlier_list,
    expected_operands,
    expected_targets,
    makers,
    named_registers,
    next_round,
)
from connectors.sample.rendering import as_text
from connectors.sample.soiling import PLANTED_SCHEMA, Register
from connectors.sample.truth import (
    DEFECT_SCHEMA,
    IDENTITY_SCHEMA,
    SampleFile,
    write_files,
    write_people,
    write_round,
)
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
    noise: Noise | None = None,
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
        noise: how far the records are from the truth; the defaults of `Noise`, and no error but in the profile default.

    Raises:
        UserError: an argument is out of range, or `out` already holds something.
    """
    chosen = _checked(out, persons, profile, deliveries)
    dirt = load_dirt() if chosen is Profile.DEFAULT else NO_DIRT
    city = found_city(persons=persons, seed=seed, profile=chosen, as_of=as_of, noise=noise)
    opened = open_datasets(contracts)
    account = _Account(with_rows=truth is not None)
    before: dict[str, Register] | None = None
    if truth is not None:
        write_people(truth, city.people)
    for round_no in range(1, deliveries + 1):
        if round_no > 1:
            city = next_round(city)
        folder = out if round_no == 1 else out / f"round-{round_no}"
        named = named_registers(city, None if before is None else {k: before[k].table for k in NAMED}, opened)
        made = makers(city, contracts, named)
        if everything:
            made = _with_others(contracts, city, made, before)
        written = _only(contracts, made)
        writer = _RoundWriter(written, city, dirt, _formats(written, seed), folder, account)
        kept = writer.write_all(made, before, keep=round_no < deliveries)
        if truth is not None:
            operands = expected_operands(city, named)
            place = truth if round_no == 1 else truth / f"round-{round_no}"
            write_round(place, city, operands, expected_targets(city, named, operands))
        before = {k: Register(v) for k, v in named.items()} | kept
    if truth is not None:
        write_files(truth, account.files, account.defects, account.identities)
    return SampleReport(tuple(account.files), persons, len(city.entities), account.planted)


@dataclass
class _Account:
    """What was written so far."""

    with_rows: bool
    """Keep who every row is about, and every defect; otherwise only count."""
    files: list[SampleFile] = field(default_factory=list)
    defects: list[pl.DataFrame] = field(default_factory=list)
    identities: list[pl.DataFrame] = field(default_factory=list)
    planted: int = 0


def found_city(
    *,
    persons: int,
    seed: int,
    profile: Profile,
    as_of: date,
    seeds: Path = SEEDS,
    noise: Noise | None = None,
) -> City:
    """Make the city of the first round: its people, companies and bodies."""
    noise = noise or Noise()
    places = load_places(seeds / "divisions.csv")
    population = make_population(persons, stream(seed, "population"), as_of, places, noise)
    people = make_lives(population, stream(seed, "lives"), as_of, places, noise)
    count = max(round(persons * _ENTITIES_PER_PERSON), 20)
    entities = make_entities(count, stream(seed, "entities"), as_of, population, places)
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
        people=people,
        entities=entities,
        bodies=make_bodies(stream(seed, "bodies"), as_of, population, places, entities, branches=noise.branches),
        noise=noise if profile is Profile.DEFAULT else noise.only_facts(),
        seeds=seeds,
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
    """Give every extract one of the formats, each about equally often; the same one whatever else is written."""
    formats: dict[str, Format] = {}
    for group in ([c for c in contracts if c in NAMED], [c for c in contracts if c not in NAMED]):
        order = stream(seed, "formats").permutation(len(group))
        formats |= {c: FORMATS[int(place) % len(FORMATS)] for c, place in zip(group, order, strict=True)}
    return formats


def _with_others(
    contracts: Contracts,
    city: City,
    made: Mapping[str, Callable[[], Register]],
    before: Mapping[str, Register] | None,
) -> dict[str, Callable[[], Register]]:
    """Add to the registers known by name those made from a contract alone, referred ones first."""
    references = {
        contract.id: {r.extract for r in contract.rules.values() if isinstance(r, Reference)} - {contract.id}
        for contract in contracts.values()
    }
    registers = {contract_id: make() for contract_id, make in made.items()}
    tables = {contract_id: register.table for contract_id, register in registers.items()}
    for contract_id in TopologicalSorter({k: sorted(v) for k, v in sorted(references.items())}).static_order():
        if contract_id in registers or contract_id not in contracts:
            continue
        if before is None:
            tables[contract_id] = generic.make_register(contracts[contract_id], contracts.codes, city, tables)
        else:
            tables[contract_id] = _generic_later(contracts[contract_id], city, before[contract_id].table)
        registers[contract_id] = Register(tables[contract_id])
    return {contract_id: partial(_same, register) for contract_id, register in registers.items()}


def _same(register: Register) -> Register:
    return register


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
    account: _Account

    def write_all(
        self, made: Mapping[str, Callable[[], Register]], before: Mapping[str, Register] | None, *, keep: bool
    ) -> dict[str, Register]:
        """Write one file per contract, the late one, and last the bad one.

        Args:
            made: what makes each register; called one after the other.
            before: the registers of the round before.
            keep: return the registers, for the next round.
        """
        kept: dict[str, Register] | None = {} if keep else None
        for contract in self.contracts.values():
            if self.city.round_no == 2 and contract.id == LATE:
                day, table = earlier_list(self.city)
                self.write_register(contract, partial(Register, table), day)
            earlier = None if before is None else before[contract.id]
            self.write_register(
                contract, partial(self._sent, contract, made[contract.id], earlier, kept), self.city.as_of
            )
        has_bad = self.city.profile is Profile.DEFAULT and self.city.round_no == 1
        if has_bad and spoiled.EXTRACT in self.contracts:
            self.write_spoiled(self.contracts[spoiled.EXTRACT], made[spoiled.EXTRACT]().table)
        return kept or {}

    @staticmethod
    def _sent(
        contract: Contract, make: Callable[[], Register], before: Register | None, kept: dict[str, Register] | None
    ) -> Register | None:
        register = make()
        if kept is not None:
            kept[contract.id] = register
        return delivery(contract, register, before)

    def write_register(self, contract: Contract, make: Callable[[], Register | None], as_of: date) -> None:
        """Write one good file, with its dirt; none where nothing is sent.

        Args:
            contract: of the extract.
            make: makes the register: nobody else holds it, as it may fill the memory.
            as_of: date it speaks for.
        """
        register = make()
        if register is None:
            return
        planted = register.planted
        text = as_text(generic.fill_required(register.table, contract, self.contracts.codes, self.city), contract)
        del register
        if self.dirt.cells:
            label = f"{self.city.round_no} {as_of}"
            text, more = plant_cells(
                text,
                contract,
                self.contracts.codes,
                self.dirt,
                seed=(self.city.seed, label),
                spared=_spared(planted, len(text)),
            )
            planted = pl.concat([planted, _as_frame(more)])
        edition = self._edition(contract, self.dirt, len(text), as_of)
        self._write(
            _Written(edition, lay_out(text, edition), text.select([c for c in text.columns if is_hidden(c)]), planted)
        )

    def write_spoiled(self, contract: Contract, table: pl.DataFrame) -> None:
        """Write the bad file: the same extract and date, delivered again."""
        text, planted = spoiled.spoil(as_text(table, contract), self.city.stream("spoiled"))
        edition = self._edition(contract, NO_DIRT, len(table), self.city.as_of)
        about = text.select([c for c in text.columns if is_hidden(c)])
        self._write(_Written(edition, lay_out(text, edition), about, _as_frame(planted), "_重报", "held"))

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
        self.account.files.append(written.record())
        self.account.planted += len(written.defects)
        if self.account.with_rows:
            self.account.defects.append(written.defects)
            self.account.identities.append(written.identities())


def _as_frame(planted: Sequence[Planted]) -> pl.DataFrame:
    rows = [(p.index, p.column, p.defect, p.effect.value, p.original, p.planted) for p in planted]
    return pl.DataFrame(rows, schema=PLANTED_SCHEMA, orient="row")


def _spared(planted: pl.DataFrame, rows: int) -> dict[str, npt.NDArray[np.bool_]]:
    """Return by column the cells that are planted already."""
    spared = {}
    for (name,), own in planted.filter(pl.col("column").is_not_null()).group_by("column"):
        spared[str(name)] = np.zeros(rows, dtype=np.bool_)
        spared[str(name)][own["index"].to_numpy()] = True
    return spared


@dataclass(frozen=True)
class _Written:
    """One file and what was planted in it."""

    edition: Edition
    laid: LaidOut
    about: pl.DataFrame
    """Hidden columns of the register: whom each row is about."""
    planted: pl.DataFrame
    """`soiling.PLANTED_SCHEMA`."""
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
    def defects(self) -> pl.DataFrame:
        """Return every planted defect by its place in the file (`truth.DEFECT_SCHEMA`)."""
        cells = self.planted.with_columns(
            row=pl.Series(self.laid.rows).gather(self.planted["index"]),
            header=pl.col("column").replace_strict(self.laid.headers, default=None, return_dtype=pl.String),
        )
        rows = pl.DataFrame(
            [(d.row, d.defect, d.effect.value) for d in self.laid.defects],
            schema={"row": pl.Int64, "defect": pl.String, "effect": pl.String},
            orient="row",
        )
        return self._placed(pl.concat([cells.drop("index"), rows], how="diagonal"), DEFECT_SCHEMA)

    def identities(self) -> pl.DataFrame:
        """Return whom each row of the file is about (`truth.IDENTITY_SCHEMA`)."""
        known = self.laid.shown >= 0
        rows, records = self.laid.shown_rows[known], self.laid.shown[known]
        parts = [
            pl.DataFrame(
                {"row": rows, ("entity_no" if name == ENTITY else "person_no"): self.about[name].gather(records)}
            )
            .drop_nulls()
            .with_columns(role=pl.lit(name.removeprefix("_")))
            for name in self.about.columns
            if name != RELEVANT
        ]
        empty = pl.DataFrame(
            schema={k: v for k, v in IDENTITY_SCHEMA.items() if k not in ("round_no", "contract", "file")}
        )
        return self._placed(pl.concat([empty, *parts], how="diagonal_relaxed"), IDENTITY_SCHEMA)

    def _placed(self, frame: pl.DataFrame, schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
        """Add which file of which round it is."""
        return frame.with_columns(
            round_no=pl.lit(self.edition.round_no), contract=pl.lit(self.edition.contract.id), file=pl.lit(self.file)
        ).select(pl.col(name).cast(kind) for name, kind in schema.items())

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
            rows_rejected=defects.filter(pl.col("effect") == Effect.REJECTED.value)["row"].n_unique(),
            verdict=self.verdict,
        )
