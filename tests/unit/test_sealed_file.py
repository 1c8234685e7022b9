"""A sealed file gives back what was written under its secret, and tells nothing to anybody else."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from connectors.known_rows import CONTENTS, KEYS, PRINTS, Notes
from connectors.sealed_file import SealedReader, SealedWriter, UnsealedError

SECRET, OTHER = "1" * 64, "2" * 64
CONTENT = bytes(range(256)) * 300


def read_sealed(path: Path, secret: str) -> bytes:
    with SealedReader(path, secret) as reader:
        return reader.readall()


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "sealed"
    with SealedWriter(path.open("wb"), SECRET) as writer:
        writer.write(CONTENT[:1000])
        writer.write(memoryview(CONTENT)[1000:])
    return path


def test_content_is_given_back_when_the_secret_is_the_same(sealed: Path, tmp_path: Path) -> None:
    assert (read_sealed(sealed, SECRET)) == CONTENT
    SealedWriter((tmp_path / "empty").open("wb"), SECRET).close()
    assert (read_sealed(tmp_path / "empty", SECRET)) == b""


def test_content_is_refused_when_file_or_secret_is_another(sealed: Path) -> None:
    whole = sealed.read_bytes()
    with pytest.raises(UnsealedError):
        read_sealed(sealed, OTHER)
    for place in (0, 20, len(whole) // 2, len(whole) - 1):
        sealed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UnsealedError):
            read_sealed(sealed, SECRET)
    for damaged in (b"", whole[:10], whole[:-1], whole + b"x"):
        sealed.write_bytes(damaged)
        with pytest.raises(UnsealedError):
            read_sealed(sealed, SECRET)


def test_guessed_number_is_not_recognised_in_notes_without_the_secret(tmp_path: Path) -> None:
    """A fingerprint of an identity number is a hash that anybody can compute: it must not stand in the file."""
    guessed = pl.DataFrame({name: pl.Series(["371002198507153334"]).hash(seed) for seed, name in enumerate(PRINTS)})
    facts = guessed.hstack([pl.Series(name, [n], dtype=pl.UInt64) for n, name in enumerate((*KEYS, *CONTENTS))])
    notes = Notes(tmp_path / "notes", SECRET, {"context": "c", "as_of": "2021-09-30"}, 1)
    notes.note(facts)
    notes.keep()
    notes.close()
    [path] = tmp_path.iterdir()
    print_of_guess = guessed[PRINTS[0]].to_numpy().tobytes()
    assert print_of_guess in (read_sealed(path, SECRET))
    assert print_of_guess not in path.read_bytes()
    assert pa.ipc.open_stream(pa.py_buffer(read_sealed(path, SECRET))).read_all().num_rows == 1
