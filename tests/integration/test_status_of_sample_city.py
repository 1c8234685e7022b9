"""Life and residence of the sample city's people, told from what was delivered, against the truth."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from connectors.contract import Contracts
from connectors.database import connect
from connectors.landing import drop_folder
from connectors.raw_tables import ensure_raw_tables
from connectors.sample import write_city
from connectors.sample.writing import DEFAULT_AS_OF
from connectors.settings import Settings
from dags.support import models
from tests.integration.linked import link_as_in_truth
from tests.integration.modelled import open_run
from tests.integration.office import Office

EXTRACTS = (
    "public_security/household_population",
    "public_security/residence_permit",
    "health/birth_certificate",
    "health/death_certificate",
    "civil_affairs/cremation",
    "medical_security/insured",
    "education/student",
)
STATUS = """
select person_id::text as id, life_status as told_life, residence_status as told_residence, death_date
from population.person_status where valid_from <= %(day)s and (valid_to is null or %(day)s < valid_to)
"""


@pytest.fixture
def compared(settings: Settings, contracts: Contracts, tmp_path: Path) -> pl.DataFrame:
    """One row per person with a status: told_life, told_residence, death_date and life_status … of the truth."""
    write_city(contracts, tmp_path / "out", persons=1_000, truth=tmp_path / "truth")
    for place in (tmp_path / "out").glob("*/*"):
        if place.relative_to(tmp_path / "out").as_posix() not in EXTRACTS:
            shutil.rmtree(place)
    drop_folder(settings, tmp_path / "out")
    Office(settings, contracts, datetime(2021, 12, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))).run()
    with connect(settings.dsn()) as connection:
        ensure_raw_tables(connection, contracts)
        link_as_in_truth(connection, contracts, tmp_path / "truth")
        open_run(connection, "run", as_of=DEFAULT_AS_OF)
        selected = ["resource_type:seed", "int_person__status_evidence", "person_status"]
        arguments = ["build", "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test", "--select"]
        assert models.invoke(settings, contracts, [*arguments, *selected]).failed == ()
        told = connection.execute(STATUS.encode(), {"day": DEFAULT_AS_OF}).fetchall()
    columns = ("id", "told_life", "told_residence", "death_date")
    [truth] = (tmp_path / "truth").rglob("status.parquet")
    true = pl.read_parquet(truth).with_columns(id=pl.col("person_no").map_elements(_id, return_dtype=pl.String))
    return pl.DataFrame(told, schema=columns, orient="row").join(true, on="id")


def _id(number: int) -> str:
    return str(uuid.UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()))


def test_status_agrees_with_the_truth_when_everybody_is_linked_rightly(compared: pl.DataFrame) -> None:
    assert len(compared) > 900
    assert compared.filter(pl.col("told_life") != pl.col("life_status")).is_empty()
    dead = compared.filter(pl.col("life_status") == "deceased")
    assert len(dead) > 10
    assert (dead["death_date"] >= dead["died_on"]).all()
    assert (dead["death_date"] == dead["died_on"]).mean() > 0.9
    residence = pl.col("residence_status").replace("absent", "unknown")
    assert compared.select((pl.col("told_residence") == residence).mean()).item() > 0.98
