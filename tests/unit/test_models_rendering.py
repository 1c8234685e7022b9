"""What is rendered for dbt, and what is read from its manifest."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

from connectors.contract import Contracts
from connectors.settings import CHECKOUT
from dags.support.golden import reading, rendering
from dags.support.lineage import extracts_by_indicator, fields_read
from dags.support.models import PROJECT, render_generated, render_operand_union
from weihai.commands.sql import plain

GOLDEN = Path(__file__).parent.parent / "fixtures" / "golden"


def _indicators() -> dict[str, dict[str, str]]:
    with (CHECKOUT / "seeds" / "indicators.csv").open(encoding="utf-8") as text:
        return {row["indicator_id"]: row for row in csv.DictReader(text)}


def test_operand_union_has_explicit_refs_when_rendered() -> None:
    expected = (GOLDEN / "int_indicator__measured.sql").read_text(encoding="utf-8")
    assert render_operand_union(["ind_cloud_enterprises", "ind_ipv6_site_rate"]) == expected


def test_provenance_lists_no_values_which_citus_refuses_when_rendered(contracts: Contracts) -> None:
    for library, declaration in reading.load(contracts).items():
        view = rendering.render(declaration)[f"int_{rendering.KINDS[library]}__provenance.sql"]
        assert re.search(r"\bvalues\b", view.split("\n", 1)[1]) is None
        assert all(f"'{field}'" in view for field in declaration.fields)


def test_generated_files_stay_untouched_when_nothing_changed(tmp_path: Path, contracts: Contracts) -> None:
    (tmp_path / "models/mart/operands").mkdir(parents=True)
    (tmp_path / "models/mart/operands/ind_a.sql").write_text("")
    (tmp_path / "models/mart/targets").mkdir()
    (tmp_path / "models/mart/targets/target_c.sql").write_text("")
    render_generated(contracts, tmp_path / "home", tmp_path)
    written = sorted((tmp_path / "home/generated").iterdir())
    assert [path.name for path in written] == [
        "int_indicator__measured.sql",
        "int_operand__row.sql",
        "int_plan_target__measured.sql",
        "raw_sources.yml",
    ]
    assert 'ref("target_c")' in written[2].read_text(encoding="utf-8")
    times = [path.stat().st_mtime_ns for path in written]
    render_generated(contracts, tmp_path / "home", tmp_path)
    assert [path.stat().st_mtime_ns for path in written] == times
    (tmp_path / "models/mart/operands/ind_b.sql").write_text("")
    render_generated(contracts, tmp_path / "home", tmp_path)
    assert 'ref("ind_b")' in written[0].read_text(encoding="utf-8")


def test_lineage_reaches_extracts_through_other_models() -> None:
    parents = {
        "model.weihai.ind_a": ["model.weihai.int_x", "source.weihai.mart.current_run"],
        "model.weihai.int_x": ["source.weihai.raw.d__one", "source.weihai.raw.d__two", "source.weihai.quality.batch"],
        "model.weihai.ind_b": ["source.weihai.raw.d__two"],
        "model.weihai.other": ["source.weihai.raw.d__three"],
    }
    assert extracts_by_indicator({"parent_map": parents}) == {"a": ("d__one", "d__two"), "b": ("d__two",)}


def test_field_counts_for_an_indicator_when_a_model_that_reads_its_extract_names_it(contracts: Contracts) -> None:
    catalogue, school = "big_data_center__resource_catalogue", "education__school"
    raw = "source.weihai.raw."
    manifest = {
        "parent_map": {
            "model.weihai.ind_a": ["model.weihai.int_x", f"{raw}{school}"],
            "model.weihai.int_x": [f"{raw}{catalogue}"],
            "model.weihai.ind_b": [f"{raw}{catalogue}"],
        },
        "nodes": {
            "model.weihai.ind_a": {"raw_code": "select * from x", "depends_on": {"macros": []}},
            "model.weihai.int_x": {
                "raw_code": "select r.sharing_type from {{ shared(r) }}",
                "depends_on": {"macros": ["macro.weihai.shared", "macro.dbt.ref"]},
            },
            "model.weihai.ind_b": {"raw_code": "select title, is_open_ from t", "depends_on": {"macros": []}},
        },
        "macros": {
            "macro.weihai.shared": {"macro_sql": "{{ used('a') }}", "depends_on": {"macros": ["macro.weihai.used"]}},
            "macro.weihai.used": {"macro_sql": "status in (…)", "depends_on": {"macros": []}},
        },
    }
    found = fields_read(manifest, contracts, "model.weihai.ind_a")
    assert found[catalogue] == ("sharing_type", "status")
    # passed on whole: every field counts
    assert set(found[school]) == {field.name for field in contracts[school].fields}
    assert fields_read(manifest, contracts, "model.weihai.ind_b") == {catalogue: ("title",)}


def test_departments_of_shared_extracts_are_those_of_the_contracts(contracts: Contracts) -> None:
    text = (PROJECT / "macros/shared_contracts.sql").read_text(encoding="utf-8")
    with (CHECKOUT / "seeds" / "departments.csv").open(encoding="utf-8") as lines:
        names = {row["id"]: row["name"] for row in csv.DictReader(lines)}
    for macro, extracts in {
        "operators": ("broadband_user", "speed_test", "coverage_5g"),
        "supporting_departments": ("supported_project",),
    }.items():
        body = text.split(f"macro {macro}()")[1].split("endmacro")[0]
        listed = dict(re.findall(r'"(\w+)": "(.+?)"', body))
        assert listed == {department: names[department] for department in listed}
        for extract in extracts:
            assert set(listed) == {c.department for c in contracts.values() if c.extract == extract}


def test_every_operand_model_belongs_to_an_indicator() -> None:
    models = {path.stem.removeprefix("ind_") for path in (PROJECT / "models/mart/operands").glob("ind_*.sql")}
    assert models
    assert models <= set(_indicators())


def test_indicators_are_49_and_their_operands_serve_their_formulas() -> None:
    indicators = _indicators()
    assert [int(row["seq"]) for row in indicators.values()] == list(range(1, 50))
    for row in indicators.values():
        formula = json.loads(row["formula"])
        declared = {operand["name"] for operand in json.loads(row["operands"])}
        parts = [formula, formula.get("current", {}), formula.get("previous", {}), *formula.get("parts", [])]
        used = {part[side] for part in parts for side in ("numerator", "denominator") if side in part}
        assert used <= declared


def test_levels_that_do_not_exist_are_empty() -> None:
    indicators = _indicators()
    without_four = [i for i, row in indicators.items() if not row["four_star_rule"]]
    without_five = [i for i, row in indicators.items() if not row["five_star_rule"]]
    assert without_four == ["building_energy_submetering_rate", "security_incident_deduction"]
    assert without_five == ["security_incident_deduction"]
    assert indicators["building_energy_submetering_rate"]["four_star_text"] == "/"


def test_plain_keeps_decimals_exact_when_json_is_asked() -> None:
    assert [plain(Decimal(text)) for text in ("3", "0.5", "0.1234567890123456789")] == [3, 0.5, "0.1234567890123456789"]
