"""`weihai sample` on the command line."""

from __future__ import annotations

import json
import sys

import pytest

from weihai.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["weihai", "sample", *arguments])
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_city_is_written_when_the_command_is_given_a_folder(monkeypatch, tmp_path, capsys):
    out, truth = tmp_path / "out", tmp_path / "truth"
    arguments = ("--persons", "300", "--seed", "4", "--as-of", "2020-12-31", "--out", str(out), "--truth", str(truth))
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    assert "300 人" in said
    assert "应当被暂缓入库" in said
    assert json.loads((truth / "operands.json").read_text(encoding="utf-8"))["as_of"] == "2020-12-31"
    assert all("20201231" in p.name or "2020年12月31日" in p.name for p in out.rglob("*.csv"))


def test_one_sentence_and_exit_code_2_when_the_profile_is_unknown(monkeypatch, tmp_path, capsys):
    assert run(monkeypatch, "--profile", "perfect", "--out", str(tmp_path / "out")) == 2
    said = capsys.readouterr().err
    assert said.startswith("错误：没有样例方案“perfect”")
    assert said.count("\n") == 1


def test_a_contract_of_an_extra_folder_is_sampled_when_all_are_asked_for(monkeypatch, tmp_path):
    path = tmp_path / "extra" / "commerce" / "fair.yml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "title: 展会登记\ndescription: 测试用的新契约。\nkey: [fair_no]\nmode: full\ncycle: monthly\n"
        "sharing: {type: 无条件共享}\ncolumns:\n  fair_no: {header: 展会编号, type: text, required: true}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("WEIHAI_CONTRACTS", str(tmp_path / "extra"))
    written = {}
    for name, flags in (("some", ()), ("all", ("--all",))):
        assert run(monkeypatch, "--persons", "100", "--out", str(tmp_path / name), *flags) == 0
        written[name] = {p.parent.name for p in (tmp_path / name).glob("*/*/*.delivery.json")}
    assert written["some"] < written["all"]
    assert "fair" in written["all"] - written["some"]
    assert {"household_population", "camera", "ridership"} <= written["all"]


def test_what_is_written_is_explained_when_help_is_asked_for(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    assert "--all" in said
    assert "WEIHAI_CONTRACTS" in said
