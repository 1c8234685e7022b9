from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from connectors import archive


def test_content_is_kept_once_and_read_only_when_stored_twice(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"content")
    first = archive.store(tmp_path / "archive", source)
    source.rename(tmp_path / "b.csv")
    second = archive.store(tmp_path / "archive", tmp_path / "b.csv")
    assert first == second
    assert first.sha256 == hashlib.sha256(b"content").hexdigest()
    assert first.path == tmp_path / "archive" / first.sha256[:2] / first.sha256
    assert first.path.stat().st_mode & 0o777 == 0o400
    assert first.path.read_bytes() == b"content"
    assert list((tmp_path / "archive" / ".incoming").iterdir()) == []


@pytest.mark.parametrize("damaged", [b"con", b"CONTENT"])
def test_damaged_copy_is_replaced_when_the_file_comes_again(tmp_path: Path, damaged: bytes) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"content")
    stored = archive.store(tmp_path / "archive", source)
    stored.path.unlink()
    stored.path.write_bytes(damaged)
    assert not archive.is_whole(tmp_path / "archive", stored.sha256)
    assert archive.store(tmp_path / "archive", source).path.read_bytes() == b"content"


def test_nothing_is_stored_when_the_source_is_no_plain_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "gone", "."):
        with pytest.raises(archive.NotWholeError):
            archive.store(tmp_path / "archive", tmp_path / name)
    assert list((tmp_path / "archive").rglob("*")) == [tmp_path / "archive" / ".incoming"]


def test_file_is_left_for_later_when_it_changes_while_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"content")
    real = hashlib.sha256

    def grow() -> Any:
        with source.open("ab") as file:
            file.write(b"more")
        return real()

    monkeypatch.setattr(hashlib, "sha256", grow)
    with pytest.raises(archive.NotWholeError, match="仍在写入"):
        archive.store(tmp_path / "archive", source)


def test_content_stays_away_when_another_stands_for_it(tmp_path: Path) -> None:
    kept, source, redacted = tmp_path / "archive", tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_bytes(b"somebody")
    redacted.write_bytes(b"nobody")
    old, new = archive.store(kept, source), archive.store(kept, redacted)
    archive.replace(kept, old.sha256, new.sha256)
    again = archive.store(kept, source)
    assert (again.sha256, again.path) == (old.sha256, new.path)
    assert not archive.path_of(kept, old.sha256).exists()
    assert archive.content_path(kept, again.sha256).read_bytes() == b"nobody"
