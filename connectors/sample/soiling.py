"""Errors of a department's records about people and entities, planted column by column and accounted for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.contract import Contract, RequiredIf
from connectors.sample.city import RELEVANT, City
from connectors.sample.dirt import Effect
from connectors.sample.draws import chances, read_table
from connectors.sample.identifiers import id_check_characters
from connectors.sample.population import RARE_CHARACTERS
from connectors.sample.rendering import written

BoolArray = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

PLANTED_SCHEMA = {
    "index": pl.Int64,
    "column": pl.String,
    "defect": pl.String,
    "effect": pl.String,
    "original": pl.String,
    "planted": pl.String,
}
"""One row per planted defect: row of the register, column (null: the row itself), what, effect, before and after."""
_STAND_INS = {c: chr(0xE000 + n) for n, c in enumerate(RARE_CHARACTERS)}
_PINYIN = dict(
    zip(RARE_CHARACTERS, ("DI", "YAO", "BEN", "KUN", "ZHE", "SHEN", "CHONG", "YUE", "WEI", "YAO"), strict=True)
)
_PERSON_HEADER = re.compile("姓名|代表人")


@dataclass(frozen=True)
class Register:
    """A department's list: typed columns, hidden ones that say whom a row is about, and the errors planted in it."""

    table: pl.DataFrame
    planted: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=PLANTED_SCHEMA))
    """`PLANTED_SCHEMA`; `index` is the row of the table."""


@dataclass
class Soiling:
    """One extract's register while errors are planted in it; a cell is touched once at most."""

    city: City
    contract: Contract
    table: pl.DataFrame
    """Typed columns, and hidden ones that say whom the row is about."""
    _planted: list[pl.DataFrame] = field(default_factory=list)
    _touched: dict[str, BoolArray] = field(default_factory=dict)

    def draw(self, of: str, *names: str) -> Floats:
        """Return a number in [0, 1) for each row, always the same for the same person or entity; NaN where it has none.

        Args:
            of: hidden column with the number of the person or entity.
            names: what is drawn.
        """
        numbers = self.table[of].fill_null(0).cast(pl.Int64).to_numpy()
        drawn = chances(self.city.seed, ("noise", self.contract.id, *names), numbers)
        drawn[self.table[of].is_null().to_numpy()] = np.nan
        return drawn

    def still_wrong(self, of: str, *names: str) -> BoolArray:
        """Tell which errors nobody has put right before this round."""
        left = (1.0 - self.city.noise.number_corrected) ** (self.city.round_no - 1)
        return self.draw(of, "corrected", *names) < left

    def plant(self, column: str, where: BoolArray, values: pl.Series | None, defect: str, effect: Effect) -> None:
        """Replace cells that are there and not touched yet.

        Args:
            column: in which column.
            where: in which rows, shape (rows,).
            values: the new cells, one per row; null everywhere where None.
            defect: name of the defect.
            effect: what intake is to make of it.
        """
        old = self.table[column]
        touched = self._touched.setdefault(column, np.zeros(len(old), dtype=np.bool_))
        new = pl.Series(column, [None], dtype=old.dtype).new_from_index(0, len(old)) if values is None else values
        rows = where & ~touched & old.is_not_null().to_numpy()
        if values is not None:
            rows &= (new != old).fill_null(value=False).to_numpy()
        places = np.flatnonzero(rows)
        if not len(places):
            return
        touched[places] = True
        fresh = new.gather(places).cast(old.dtype)
        self.table = self.table.with_columns(old.scatter(places, fresh).alias(column))
        self._note(places, column, defect, effect, (old.gather(places), fresh))

    def spare(self, where: BoolArray, *columns: str) -> None:
        """Leave cells as they are, whatever is planted later: an indicator rests on them."""
        for column in columns:
            self._touched.setdefault(column, np.zeros(len(self.table), dtype=np.bool_))[where] = True

    def note_rows(self, where: BoolArray, defect: str) -> None:
        """Record rows that should not be there, or tell of something odd that happened."""
        places = np.flatnonzero(where)
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(places))
        self._note(places, None, defect, Effect.KEPT, (nothing, nothing))

    def _note(
        self, places: np.ndarray, column: str | None, defect: str, effect: Effect, cells: tuple[pl.Series, pl.Series]
    ) -> None:
        old, new = cells
        self._planted.append(
            pl.DataFrame({"index": places, "original": written(old), "planted": written(new)})
            .with_columns(column=pl.lit(column, dtype=pl.String), defect=pl.lit(defect), effect=pl.lit(effect.value))
            .select(pl.col(name).cast(kind) for name, kind in PLANTED_SCHEMA.items())
        )

    def register(self) -> Register:
        """Return the register with everything planted in it; columns that nobody fills are there, and empty."""
        absent = [c for c in self.contract.columns if c not in self.table.columns and c != "operation"]
        table = self.table.with_columns(pl.lit(None, dtype=pl.String).alias(c) for c in absent)
        if RELEVANT not in table.columns:
            table = table.with_columns(pl.lit(value=False).alias(RELEVANT))
        return Register(table, pl.concat([pl.DataFrame(schema=PLANTED_SCHEMA), *self._planted]))

    def leave_out(self, column: str, where: BoolArray, defect: str) -> None:
        """Empty cells: a finding where the contract asks for them, in that row.

        Args:
            column: in which column.
            where: in which rows, shape (rows,).
            defect: name of the defect.
        """
        asked = np.full(len(self.table), bool(self.contract.columns[column].required))
        for rule in self.contract.rules.values():
            if isinstance(rule, RequiredIf) and rule.column == column:
                applies = [pl.col(name).is_in(list(words)) for name, words in rule.when.items()]
                asked |= self.table.select(pl.all_horizontal(applies)).to_series().fill_null(value=False).to_numpy()
        self.plant(column, where & asked, None, defect, Effect.FLAGGED)
        self.plant(column, where & ~asked, None, defect, Effect.KEPT)

    def people(self, of: str, *, number: str | None, name: str | None) -> None:
        """Plant what goes wrong with persons' numbers and names.

        Args:
            of: hidden column with the person's number.
            number: column of the identity number, if there is one.
            name: column of the name, if there is one.
        """
        if number is not None:
            self._numbers(of, number)
        if name is not None:
            self._names(of, name)

    def _numbers(self, of: str, column: str) -> None:
        noise, people, persons = self.city.noise, self.city.people, self.table[of]
        draw, wrong = self.draw(of, "number", of), self.still_wrong(of, "number", of)
        typo = noise.number_missing + noise.number_typo
        old = self.table[column]
        if noise.shared_numbers:
            holder = self.city.stream("shared numbers")
            shares = holder.random(len(people)) < noise.shared_numbers
            other = people["id_no"].gather(holder.integers(0, len(people), len(people)))
            mine = pl.Series(shares).gather(persons).fill_null(value=False).to_numpy()
            self.plant(column, mine, other.gather(persons), "shared_number", Effect.KEPT)
        if noise.two_numbers:
            second = people["second_id_no"].gather(persons)
            uses = second.is_not_null().to_numpy() & (self.draw(of, "which number") < 0.5)
            self.plant(column, uses, second, "second_number", Effect.KEPT)
        if noise.number_missing and self.contract.columns[column].required is not True:
            self.leave_out(column, (draw < noise.number_missing) & wrong, "number_missing")
        if noise.number_typo:
            where = (draw >= noise.number_missing) & (draw < typo) & wrong
            self.plant(column, where, mistyped(old, self.draw(of, "typo", of), where), "number_typo", Effect.FLAGGED)
        if noise.number_of_15_digits:
            fits = old.str.slice(6, 2).eq_missing("19").to_numpy()
            short = old.str.slice(0, 6) + old.str.slice(8, 9)
            where = fits & (draw >= typo) & (draw < typo + noise.number_of_15_digits)
            self.plant(column, where, short, "number_of_15_digits", Effect.RECOVERED)
        if noise.number_lower_x:
            where = self.draw(of, "lower x", of) < noise.number_lower_x
            self.plant(column, where, old.str.replace("X$", "x"), "number_lower_x", Effect.RECOVERED)

    def _names(self, of: str, column: str) -> None:
        noise, old = self.city.noise, self.table[column]
        draw = self.draw(of, "name", of)
        if noise.old_name:
            former = self.city.present["former_name"].gather(self.table[of])
            where = former.is_not_null().to_numpy() & (self.draw(of, "old name", of) < noise.old_name)
            self.plant(column, where, former, "old_name", Effect.KEPT)
        tidied = Effect.RECOVERED if _PERSON_HEADER.search(self.contract.columns[column].header) else Effect.KEPT
        if noise.rare_stand_in:
            pua, latin = (old.str.replace_many(list(t), list(t.values())) for t in (_STAND_INS, _PINYIN))
            self.plant(column, draw < noise.rare_stand_in * 0.6, pua, "private_use_character", Effect.FLAGGED)
            self.plant(column, draw < noise.rare_stand_in, latin, "pinyin_stand_in", Effect.KEPT)
            self.plant(column, draw < noise.rare_stand_in, old.str.replace("·", "."), "name_dot", tidied)
        if noise.name_variant:
            spaced = pl.select(
                pl.when(old.str.len_chars() == 2).then(old.str.head(1) + "　" + old.str.tail(1)).otherwise(old)
            ).to_series()
            self.plant(column, draw > 1 - noise.name_variant * 0.4, spaced, "space_in_name", tidied)
            self.plant(column, draw > 1 - noise.name_variant, _misheard(old), "wrong_character", Effect.KEPT)

    def addresses(self, of: str, column: str, stale: str | None = None) -> None:
        """Plant shortened addresses, and old ones of people who moved (`stale`: column of people with the old one)."""
        noise, old = self.city.noise, self.table[column]
        draw = self.draw(of, "address", column)
        if stale is not None and noise.old_address:
            before = self.city.people[stale].gather(self.table[of])
            self.plant(column, draw < noise.old_address, before, "old_address", Effect.KEPT)
        if noise.address_abbreviated:
            short = (
                old.str.strip_prefix("山东省")
                .str.strip_prefix("威海市")
                .str.replace("单元", "-")
                .str.strip_suffix("室")
            )
            self.plant(column, draw > 1 - noise.address_abbreviated, short, "address_abbreviated", Effect.KEPT)

    def phones(self, of: str, column: str) -> None:
        """Plant phone numbers that people no longer have."""
        if self.city.noise.old_phone:
            old = self.table[column]
            turned = old.str.slice(0, 3) + old.str.slice(3).str.reverse()
            where = self.draw(of, "phone", column) < self.city.noise.old_phone
            self.plant(column, where, turned, "old_phone", Effect.KEPT)


def mistyped(numbers: pl.Series, draw: Floats, where: BoolArray) -> pl.Series:
    """Change one digit of some identity numbers, so that the check character no longer fits."""
    places = np.flatnonzero(where & numbers.is_not_null().to_numpy())
    result = numbers.clone()
    if not len(places):
        return result
    text = numbers.gather(places)
    digits = np.frombuffer("".join(text.to_list()).encode(), dtype=np.uint8).reshape(-1, 18).copy()
    lines, chance = np.arange(len(places)), draw[places]
    spot = 2 + (chance * 10**6).astype(np.int64) % 15
    step = 1 + (chance * 10**9).astype(np.int64) % 9
    digits[lines, spot] = (digits[lines, spot] - ord("0") + step) % 10 + ord("0")
    assert (id_check_characters(digits[:, :17]) != digits[:, 17]).all()
    wrong = pl.Series(digits.view("S18").ravel().astype(str), dtype=pl.String)
    return result.scatter(places, wrong)


def _misheard(names: pl.Series) -> pl.Series:
    """Replace the last character of a name by the next one of the same sex in the list of given names."""
    table = read_table("given_names.csv")
    following: dict[str, str] = {}
    for sex in ("男", "女"):
        own = table.filter(pl.col("sex") == sex)["character"].to_list()
        following |= dict(zip(own, [*own[1:], own[0]], strict=True))
    last = names.str.tail(1).replace(following)
    return names.str.head(-1) + last
