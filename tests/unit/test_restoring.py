from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from connectors.errors import UserError
from weihai.backup.restoring import _unpack


def packed(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "files.tar"
    with tarfile.open(path, "w") as file:
        for member in (tarfile.TarInfo("secrets/key"), *members):
            file.addfile(member, BytesIO(b""))
    return path


def test_files_and_folders_are_unpacked_into_the_home(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("known")
    folder.type = tarfile.DIRTYPE
    _unpack(packed(tmp_path, folder), tmp_path / "home")
    assert (tmp_path / "home" / "secrets" / "key").is_file()
    assert (tmp_path / "home" / "known").is_dir()


@pytest.mark.parametrize("name", ["../beside", "/tmp/elsewhere", "secrets/../../beside"])
def test_nothing_is_unpacked_when_a_file_has_its_place_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        _unpack(packed(tmp_path, tarfile.TarInfo(name)), tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_nothing_is_unpacked_when_there_is_more_than_files_and_folders(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("archive")
    member.type, member.linkname = kind, "/etc"
    with pytest.raises(UserError):
        _unpack(packed(tmp_path, member), tmp_path / "home")
    assert not (tmp_path / "home").exists()
