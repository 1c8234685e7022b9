"""`weihai explain person`: numbers stay out of the shell's history and of what is said about them."""

from __future__ import annotations

import io
import sys

import pytest

from weihai import explain_record
from weihai.cli import main
from weihai.commands import explain

NUMBER = "371002198003070017"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["weihai", "explain", *arguments])
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_number_on_the_command_line_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "person", NUMBER) == 2
    said = capsys.readouterr()
    assert "按提示输入" in said.err + said.out
    assert NUMBER not in said.err + said.out


def test_number_is_read_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(_ask: object, _kind: str, key: str, *, is_plain: bool) -> None:
        asked.append(key.strip())
        assert is_plain
        raise explain_record.NoSuchRecordError("没有")

    monkeypatch.setattr(explain.explain_record, "find", find)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{NUMBER}\n"))
    assert run(monkeypatch, "person", "--role", "etl", "--why", "核对") == 2
    assert asked == [NUMBER]


def test_second_word_is_refused_when_an_indicator_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "dept_sharing_rate", "more") == 2
    said = capsys.readouterr()
    assert "多余的参数" in said.err + said.out
