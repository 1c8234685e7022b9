from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.checks import ISSUE_SCHEMA, check, row_schema
from connectors.normalise.standards import is_licence_identifier
from connectors.readers import encoding, open_file
from connectors.settings import Limits
from connectors.tables import find_tables
from tests.unit.delivered_files import AS_OF, CODES, checked, contract, write, write_workbook

ENTERPRISE = contract(
    {
        "uscc": {"header": "统一社会信用代码", "type": "uscc", "required": "warning"},
        "name": {"header": "企业名称", "type": "text", "required": True},
        "capital": {"header": "注册资本", "type": "money", "unit": "CNY", "minimum": 0},
        "established_on": {"header": "成立日期", "type": "date", "not_after_as_of": True},
        "cancelled_on": {"header": "注销日期", "type": "date"},
        "status": {"header": "登记状态", "type": "code", "codes": "status"},
        "phone": {"header": "电话", "type": "text", "pattern": r"^1\d{10}$"},
    },
    fallback_key=["name", "established_on"],
    rules={
        "order": {
            "kind": "date_order",
            "earlier": "established_on",
            "later": "cancelled_on",
            "dimension": "0503",
            "message": "成立日期不应晚于注销日期。",
        },
        "cancelled": {
            "kind": "required_if",
            "column": "cancelled_on",
            "when": {"status": ["注销"]},
            "dimension": "0201",
            "message": "注销的应填写注销日期。",
        },
    },
)
HEADER = "统一社会信用代码,企业名称,注册资本,成立日期,注销日期,登记状态,电话"
GOOD = "91371000MA3C00011R,甲公司,405万人民币,2020-01-01,,正常,13812345678"
PLAIN = contract(
    {"no": {"header": "编号", "type": "text", "required": True}, "note": {"header": "内容", "type": "text"}}
)


def delivered(folder: Path, *lines: str) -> Path:
    return write(folder, "\n".join((HEADER, *lines)) + "\n")


def test_a_row_is_typed_without_issues_when_it_is_clean(tmp_path: Path) -> None:
    found = checked(delivered(tmp_path, GOOD), ENTERPRISE)
    assert found.rows == [
        {
            "uscc": "91371000MA3C00011R",
            "name": "甲公司",
            "capital": Decimal(4_050_000),
            "capital_amount": Decimal(4_050_000),
            "capital_currency": "CNY",
            "established_on": date(2020, 1, 1),
            "cancelled_on": None,
            "status": "在用",
            "phone": "13812345678",
            "_row_no": 2,
        }
    ]
    assert found.issues == []
    assert all(r.checked == r.passed for r in found.totals.results)


def test_schemas_are_as_promised_when_batches_are_full_or_empty(tmp_path: Path) -> None:
    for lines in ([GOOD], []):
        run = check(
            find_tables(open_file(delivered(tmp_path, *lines), limits=Limits()), [ENTERPRISE])[0], CODES, as_of=AS_OF
        )
        for batch in run:
            assert batch.rows.schema.equals(row_schema(ENTERPRISE))
            assert batch.issues.schema.equals(ISSUE_SCHEMA)
    assert row_schema(ENTERPRISE).field("capital").type == pa.decimal128(24, 6)


def test_totals_are_refused_when_the_batches_are_not_read(tmp_path: Path) -> None:
    run = check(find_tables(open_file(delivered(tmp_path, GOOD), limits=Limits()), [ENTERPRISE])[0], CODES, as_of=AS_OF)
    with pytest.raises(RuntimeError, match="last batch"):
        _ = run.totals


def test_nothing_is_read_when_there_is_a_header_only(tmp_path: Path) -> None:
    totals = checked(delivered(tmp_path), ENTERPRISE).totals
    assert (totals.physical, totals.header, totals.read) == (1, 1, 0)
    assert all(r.checked == 0 for r in totals.results)


def test_a_bad_cell_becomes_null_and_an_issue_when_the_row_is_good_otherwise(tmp_path: Path) -> None:
    found = checked(delivered(tmp_path, "91371000MA3C00011R,甲公司,若干,2020-13-01,,冻结,123"), ENTERPRISE)
    assert [found.rows[0][name] for name in ("capital", "established_on", "status", "phone")] == [
        None,
        None,
        None,
        "123",
    ]
    assert found.found("row_no", "column_name", "rule", "value", "header") == [
        (2, "capital", "capital.format", "若干", "注册资本"),
        (2, "established_on", "established_on.format", "2020-13-01", "成立日期"),
        (2, "status", "status.code", "冻结", "登记状态"),
        (2, "phone", "phone.pattern", "123", "电话"),
    ]
    assert all(issue["message"].endswith("。") for issue in found.issues)
    assert found.result("capital.format") == (1, 0)
    assert found.result("capital.range") == (0, 0)


def test_a_wrong_check_character_is_kept_and_flagged_when_it_is_the_key(tmp_path: Path) -> None:
    found = checked(delivered(tmp_path, GOOD.replace("11R", "111")), ENTERPRISE)
    assert found.rows[0]["uscc"] == "91371000MA3C000111"
    assert found.found("rule", "dimension", "severity") == [("uscc.check", "0301", "warning")]
    assert (found.result("uscc.format"), found.result("uscc.check")) == ((1, 1), (1, 0))


@pytest.mark.parametrize("key", ["", "无", "1" * 18, "9.1371E+17"])
def test_the_row_stays_when_its_key_is_unusable_but_the_fallback_serves(tmp_path: Path, key: str) -> None:
    found = checked(delivered(tmp_path, GOOD.replace("91371000MA3C00011R", key)), ENTERPRISE)
    assert found.rows[0]["uscc"] is None
    assert found.result("row.key") == (1, 1)
    assert {issue["rule"] for issue in found.issues} == ({"uscc.format"} if "E+" in key else {"uscc.required"})


def test_a_row_is_rejected_and_listed_when_key_or_required_value_is_missing(tmp_path: Path) -> None:
    found = checked(delivered(tmp_path, GOOD.replace("甲公司", "无"), ",,5万元,,,正常,", GOOD), ENTERPRISE)
    assert [row["_row_no"] for row in found.rows] == [4]
    assert found.totals.rejected == 2
    assert found.result("name.required") == (3, 1)
    assert found.result("row.key") == (3, 2)
    listed = {(i["row_no"], i["rule"]) for i in found.issues}
    assert {(2, "name.required"), (3, "name.required"), (3, "row.key")} <= listed


def test_a_required_cell_that_cannot_be_read_is_null_when_it_was_given(tmp_path: Path) -> None:
    wanted = contract(
        {"no": {"header": "编号", "type": "text"}, "day": {"header": "日期", "type": "date", "required": True}}
    )
    found = checked(write(tmp_path, "编号,日期\n1,昨天\n2,\n"), wanted)
    assert [(row["no"], row["day"]) for row in found.rows] == [("1", None)]
    assert found.result("day.required") == (2, 1)
    assert found.result("day.format") == (1, 0)


def test_structure_errors_are_rejected_with_their_row_number_when_fields_do_not_fit(tmp_path: Path) -> None:
    shifted = "91371000MA3D0366X0,乙,1992-10-22,5,000(万美元),,,正常,1"
    found = checked(delivered(tmp_path, GOOD, shifted, "只有两个,字段", GOOD + ",,", '"没有,关上', GOOD), ENTERPRISE)
    assert [row["_row_no"] for row in found.rows] == [2, 5, 7]
    structure = [i for i in found.issues if i["rule"] == "row.structure"]
    assert [i["row_no"] for i in structure] == [3, 4, 6]
    assert "9 个字段，表头有 7 个" in structure[0]["message"]
    assert "引号不成对" in structure[2]["message"]
    assert {(i["severity"], i["dimension"]) for i in structure} == {("critical", "0302")}
    assert found.result("row.structure") == (6, 3)


def test_undecodable_rows_are_rejected_when_the_file_is_otherwise_clean(tmp_path: Path) -> None:
    lines = [f"{i},内容".encode() for i in range(150)]
    lines[9] = b"9,\xff\xfe\xff"
    found = checked(write(tmp_path, "编号,内容\n".encode() + b"\n".join(lines) + b"\n"), PLAIN)
    assert [(i["row_no"], i["rule"]) for i in found.issues] == [(11, "row.structure")]
    assert "乱码" in found.issues[0]["message"]
    assert len(found.rows) == 149


def test_rows_that_hold_no_data_are_counted_when_they_stand_among_data(tmp_path: Path) -> None:
    lines = ["关于企业的表,,,,,,", "", HEADER, GOOD, ",,,,,,", HEADER, "小计,,8万元,,,,", "合 计：,,405万人民币,,,,"]
    lines += ["注：金额为认缴额,,,,,,", "备注：截至月底", "填表人：某某,,,,审核人：某某,,", "", ""]
    found = checked(write(tmp_path, "\n".join(lines) + "\n"), ENTERPRISE)
    assert [row["_row_no"] for row in found.rows] == [4]
    assert found.totals.skipped == {"preamble": 1, "blank": 4, "total": 2, "repeated_header": 1, "note": 2}
    assert found.totals.rejected == found.totals.read - 1 == 1
    assert found.totals.physical == len(lines)


def test_a_company_is_data_when_its_name_looks_like_a_total_or_note(tmp_path: Path) -> None:
    found = checked(write(tmp_path, "编号,内容\n1,合计\n2,注册\n注意事项公司,有内容\n"), PLAIN)
    assert [row["no"] for row in found.rows] == ["1", "2", "注意事项公司"]


def test_dates_and_amounts_are_flagged_but_kept_when_they_are_implausible(tmp_path: Path) -> None:
    line = "91371000MA3C00011R,甲公司,-5(万美元),2022-01-01,2021-01-01,注销,13812345678"
    found = checked(delivered(tmp_path, line), ENTERPRISE)
    assert found.rows[0]["established_on"] == date(2022, 1, 1)
    assert found.found("rule", "dimension") == [
        ("capital.range", "0301"),
        ("established_on.not_after_as_of", "0501"),
        ("order", "0503"),
    ]


def test_a_contract_rule_judges_only_its_rows_when_values_are_missing(tmp_path: Path) -> None:
    lines = [GOOD, GOOD.replace("正常", "已注销"), GOOD.replace(",,正常", ",2021-01-01,已注销")]
    found = checked(delivered(tmp_path, *lines), ENTERPRISE)
    assert found.result("order") == (1, 1)
    assert found.result("cancelled") == (2, 1)
    assert found.found("row_no", "rule", "message") == [(3, "cancelled", "注销的应填写注销日期。")]


def test_required_if_reads_yes_and_no_when_its_condition_is_a_bool(tmp_path: Path) -> None:
    wanted = contract(
        {
            "no": {"header": "编号", "type": "text"},
            "is_open": {"header": "是否开放", "type": "bool"},
            "category": {"header": "开放类别", "type": "text"},
        },
        rules={
            "r": {
                "kind": "required_if",
                "column": "category",
                "when": {"is_open": ["是"]},
                "dimension": "0201",
                "message": "开放的应填写类别。",
            }
        },
    )
    found = checked(write(tmp_path, "编号,是否开放,开放类别\n1,Y,\n2,否,\n3,有,气象\n"), wanted)
    assert found.result("r") == (2, 1)
    assert found.found("row_no") == [(2,)]


def test_an_empty_status_is_noted_per_row_when_the_column_is_there(tmp_path: Path) -> None:
    found = checked(delivered(tmp_path, GOOD.replace("正常", "")), ENTERPRISE)
    assert found.rows[0]["status"] == "在用"
    assert found.found("rule", "severity", "message") == [("status.code", "info", "空白，按“在用”处理。")]
    assert found.result("status.code") == (0, 0)


def test_an_absent_column_is_told_once_when_it_has_a_default(tmp_path: Path) -> None:
    found = checked(write(tmp_path, "企业名称,成立日期,源年份\n甲,2020-01-01,2020\n乙,2020-01-02,2020\n"), ENTERPRISE)
    assert [row["status"] for row in found.rows] == ["在用", "在用"]
    assert found.issues == []
    told = {(i["rule"], i["column_name"] or i["header"]): i for i in found.totals.issues.to_pylist()}
    assert told["header.missing", "status"]["message"] == "没有这一列，全部按“在用”处理。"
    assert told["header.missing", "uscc"]["severity"] == "warning"
    assert told["header.unknown", "源年份"]["row_no"] is None
    assert found.result("uscc.required") == (2, 0)


def test_test_data_is_counted_once_per_row_when_several_cells_show_it(tmp_path: Path) -> None:
    lines = [GOOD.replace("甲公司", "测试"), GOOD.replace("甲公司", "test01").replace("13812345678", "13800138000")]
    found = checked(delivered(tmp_path, *lines, GOOD.replace("甲公司", "软件测试公司")), ENTERPRISE)
    assert found.result("row.test_data") == (3, 1)
    assert {(i["row_no"], i["severity"]) for i in found.issues if i["rule"] == "row.test_data"} == {
        (2, "warning"),
        (3, "warning"),
    }


def test_row_is_rejected_when_a_required_text_is_a_test_word_and_told_when_only_the_phone_is(tmp_path: Path) -> None:
    lines = [GOOD.replace("甲公司", "测试"), GOOD.replace("13812345678", "13800138000"), GOOD]
    found = checked(delivered(tmp_path, *lines), ENTERPRISE)
    assert [row["_row_no"] for row in found.rows] == [3, 4]
    assert found.totals.rejected == 1
    assert {i["row_no"]: i["message"] for i in found.issues if i["rule"] == "row.test_data"} == {
        2: "是测试数据，该行未采用。",
        3: "疑似测试数据。",
    }


def test_a_column_is_flagged_as_a_whole_when_a_spreadsheet_truncated_its_numbers(tmp_path: Path) -> None:
    wanted = contract({"no": {"header": "编号", "type": "text"}, "id_no": {"header": "公民身份号码", "type": "id"}})
    lines = ["1,371002198506070000", "2,371002199011070000", "3,371002198506070019"]
    totals = checked(write(tmp_path, "编号,公民身份号码\n" + "\n".join(lines) + "\n"), wanted).totals
    assert [i["message"] for i in totals.issues.to_pylist()] == [
        "本列有 2 个号码以 000 结尾，可能被表格软件截断为 15 位有效数字。"
    ]


def test_no_message_repeats_a_cell_when_cells_are_bad(tmp_path: Path) -> None:
    secrets = ["37100219850607001", "3.71E+17", "371002198506070018", "张三的号码"]
    wanted = contract({"no": {"header": "编号", "type": "text"}, "id_no": {"header": "公民身份号码", "type": "id"}})
    lines = [f"{i},{secret}" for i, secret in enumerate(secrets)]
    found = checked(write(tmp_path, "编号,公民身份号码\n" + "\n".join(lines) + "\n"), wanted)
    assert len(found.issues) == 4
    assert not any(secret in i["message"] + (i["suggestion"] or "") for i in found.issues for secret in secrets)


def test_a_workbook_is_checked_like_a_text_file_when_it_holds_the_same(tmp_path: Path) -> None:
    rows = [line.split(",") for line in (HEADER, GOOD, GOOD.replace("正常", "冻结"))]
    from_book = checked(write_workbook(tmp_path, {"数据": [["标题"], *rows, ["合计"]]}), ENTERPRISE)
    from_text = checked(write(tmp_path, "\n".join(["标题", *(",".join(r) for r in rows), "合计"])), ENTERPRISE)
    assert from_book == from_text
    assert from_book.found("row_no", "rule") == [(4, "status.code")]


def test_results_are_the_same_when_the_file_is_read_in_many_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [GOOD if i % 5 else GOOD.replace("正常", "冻结") for i in range(100)]
    whole = checked(delivered(tmp_path, *lines), ENTERPRISE)
    monkeypatch.setattr(encoding, "CHUNK_BYTES", (500,))
    assert checked(delivered(tmp_path, *lines), ENTERPRISE) == whole


LINE = st.one_of(
    st.sampled_from(
        ["", ",", "合计,", "注：说明", "编号,内容", '"a', '1,"x\ny"', "1,2,3", "1", ",只有内容", "测试,测试"]
    ),
    st.tuples(st.integers(1, 99), st.text(st.sampled_from("甲乙\ufffd ０-"), max_size=4)).map(
        lambda t: f"{t[0]},{t[1]}"
    ),
)


@given(lines=st.lists(LINE, max_size=15))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_is_accounted_for_when_lines_are_arbitrary(tmp_path: Path, lines: list[str]) -> None:
    found = checked(write(tmp_path, "\n".join(["编号,内容", *lines, "100,完"])), PLAIN)
    numbers = [row["_row_no"] for row in found.rows]
    assert numbers == sorted(set(numbers))
    rejecting = {"row.structure", "row.key", "no.required"}
    tests = {"row_no": 0, "rule": "row.test_data", "column_name": "no"}
    listed = {
        i["row_no"] for i in found.issues if i["rule"] in rejecting or (i | {"row_no": 0}).items() >= tests.items()
    }
    assert len(listed) == found.totals.rejected
    assert not listed & set(numbers)


FINISHED = contract(
    {
        "no": {"header": "编号", "type": "text"},
        "done": {"header": "累计完成投资", "type": "money", "unit": "CNY"},
        "planned": {"header": "总投资", "type": "money", "unit": "CNY"},
        "parts": {"header": "已完成", "type": "int"},
        "whole": {"header": "总数", "type": "decimal"},
    },
    rules={
        "money": {
            "kind": "number_order",
            "smaller": "done",
            "larger": "planned",
            "dimension": "0301",
            "message": "完成投资不应大于总投资。",
        },
        "count": {
            "kind": "number_order",
            "smaller": "parts",
            "larger": "whole",
            "dimension": "0301",
            "message": "已完成数不应大于总数。",
        },
    },
)


def test_numbers_in_the_wrong_order_are_flagged_when_both_are_given(tmp_path: Path) -> None:
    lines = (
        "编号,累计完成投资,总投资,已完成,总数",
        "1,900万元,1000万元,3,3.5",
        "2,1亿元,9999万元,4,3.5",
        "3,500,500,3,3",
        "4,,100,,3",
        "5,100,,3,",
        f"6,1,2,{2**63 - 1},{10**17}",
    )
    found = checked(write(tmp_path, "\n".join(lines) + "\n"), FINISHED)
    assert (found.result("money"), found.result("count")) == ((4, 3), (4, 2))
    assert sorted(found.found("row_no", "rule", "column_name", "message")) == [
        (3, "count", "whole", "已完成数不应大于总数。"),
        (3, "money", "planned", "完成投资不应大于总投资。"),
        (7, "count", "whole", "已完成数不应大于总数。"),
    ]
    assert len(found.rows) == 6


@pytest.mark.parametrize("header", ["编号,累计完成投资,已完成", "编号,总投资,总数"])
def test_number_order_is_not_judged_when_a_column_is_absent(tmp_path: Path, header: str) -> None:
    found = checked(write(tmp_path, f"{header}\n1,9,9\n"), FINISHED)
    assert (found.result("money"), found.result("count")) == ((0, 0), (0, 0))
    assert {rule for (rule,) in found.found("rule")} & {"money", "count"} == set()


PERSON = contract(
    {
        "no": {"header": "编号", "type": "text"},
        "id_no": {"header": "公民身份号码", "type": "id"},
        "birth_date": {"header": "出生日期", "type": "date"},
        "sex_code": {"header": "性别", "type": "code", "codes": "sex"},
    },
    rules={
        name: {
            "kind": "agrees_with_id",
            "column": column,
            "id_column": "id_no",
            "dimension": "0402",
            "message": f"{name}应与公民身份号码一致。",
        }
        for name, column in (("birth", "birth_date"), ("sex", "sex_code"))
    },
)


def test_birth_and_sex_are_held_against_the_citizen_number_when_it_states_them(tmp_path: Path) -> None:
    lines = (
        "编号,公民身份号码,出生日期,性别",
        "1,11010519491231002X,1949-12-31,女",
        "2,11010519491231002X,1950-01-01,男",
        "3,,1950-01-01,男",
        "4,11010519491231002X,,",
        "5,110105491231002,1949-12-31,1",
        "6,H12345678,1950-01-01,男",
    )
    found = checked(write(tmp_path, "\n".join(lines) + "\n"), PERSON)
    assert (found.result("birth"), found.result("sex")) == ((3, 2), (3, 1))
    judged = [f for f in found.found("row_no", "rule", "column_name", "severity") if f[1] in {"birth", "sex"}]
    assert sorted(judged) == [
        (3, "birth", "birth_date", "warning"),
        (3, "sex", "sex_code", "warning"),
        (6, "sex", "sex_code", "warning"),
    ]
    assert all("1949" not in message for (message,) in found.found("message"))
    assert len(found.rows) == 6


@pytest.mark.parametrize("header", ["编号,公民身份号码", "编号,出生日期", "编号,性别"])
def test_agreement_is_not_judged_when_a_column_is_absent(tmp_path: Path, header: str) -> None:
    found = checked(write(tmp_path, f"{header}\n1,\n"), PERSON)
    assert (found.result("birth"), found.result("sex")) == ((0, 0), (0, 0))


def test_check_characters_are_judged_where_the_shape_is_an_identifiers(tmp_path: Path) -> None:
    whole = "1.2.156.3005.2.11371000MA35QQYH5E001.11371000MA35QQYH5E.0000000019.001."
    right = next(whole + c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if is_licence_identifier(whole + c))
    wrong = whole + ("0" if right[-1] != "0" else "1")
    licence = contract(
        {
            "no": {"header": "序号", "type": "text", "required": True},
            "id": {"header": "标识", "type": "text", "check_character": "licence_identifier"},
        }
    )
    lines = ["序号,标识", f"1,{right}", f"2,{wrong}", "3,", "4,1.2.156"]
    found = checked(write(tmp_path, "\n".join(lines) + "\n"), licence)
    result = next(r for r in found.totals.results if r.rule == "id.check_character")
    assert (result.checked, result.passed) == (2, 1)
    assert [(i["row_no"], i["rule"]) for i in found.issues] == [(3, "id.check_character")]
    assert [row["id"] for row in found.rows] == [right, wrong, None, "1.2.156"]
