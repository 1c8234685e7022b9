"""The landing zone: which whole files lie in it, which of them are one delivery, and how to put one there.

landing/<department>/inbox/<extract>/FILE       (+ FILE.delivery.json: as_of, part, parts, scope)
landing/<department>/inbox/FILE                 recognised by its header
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from connectors.contract import Contracts
from connectors.delivery_names import (
    PART_IN_NAME,
    SIDE_SUFFIX,
    UNFINISHED_SUFFIXES,
    UNKNOWN_FOLDER,
    SideFile,
    side_path,
)
from connectors.dropping import drop, drop_folder

__all__ = ["Delivery", "DeliveryFile", "drop", "drop_folder", "listing", "scan"]

PARTS_WAIT_SECONDS = 24 * 3600.0
"""How long the parts of a delivery may wait for the missing ones before it is answered."""

_SIDE_FILE_BYTES = 64 * 1024
_MOST_PARTS = 9999
_NAMED_PARTS = 20


@dataclass(frozen=True)
class DeliveryFile:
    """One file of a delivery; `part` of `parts` counts from 1."""

    path: Path
    name: str
    part: int | None = None
    parts: int | None = None


@dataclass(frozen=True)
class Delivery:
    """One or more files that together are one delivery.

    Attributes:
        department: None where the folder is no department's.
        folder: the department's folder as it stands in the landing zone.
        extract: None where the folder names none; then the header decides.
        as_of: as declared in a side file; None where it has to be found.
        scope: declared columns and their values; None means the whole list.
        problem: why it cannot be taken as it is, one Chinese sentence.
    """

    department: str | None
    folder: str
    extract: str | None
    files: tuple[DeliveryFile, ...]
    as_of: date | None = None
    scope: dict[str, list[str]] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class _Found:
    path: Path
    folder: str
    extract: str | None
    mtime_ns: int
    side: SideFile
    part: int | None
    parts: int | None
    stem: str
    problem: str | None


@dataclass
class _Set:
    parts: dict[int, _Found] = field(default_factory=dict)


def listing(landing: Path) -> Mapping[str, tuple[int, int]]:
    """Return the candidate files below the landing zone: relative path → (size in bytes, mtime in ns).

    Links, pipes, devices, dot files, side files and files that an upload has not finished are no candidates.
    """
    return {path.relative_to(landing).as_posix(): looks for path, looks in _candidates(landing)}


def scan(landing: Path, contracts: Contracts, *, settle_seconds: float) -> list[Delivery]:
    """Return the deliveries whose files are whole: equal in two looks `settle_seconds` apart; oldest first.

    Parts that are not all in yet wait; after 24 hours they are returned with a problem.
    """
    before = listing(landing)
    if not before:
        return []
    time.sleep(settle_seconds)
    after = listing(landing)
    departments = {c.department for c in contracts.values()}
    found = [_look(landing, name, looks[1]) for name, looks in after.items() if before.get(name) == looks]
    found.sort(key=lambda f: (f.mtime_ns, f.path))
    deliveries = []
    for group in _grouped(found):
        delivery = _delivery(group, departments, contracts)
        if delivery is not None:
            deliveries.append(delivery)
    return deliveries


def _candidates(landing: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for entry in _entries(landing):
        if _is_folder(entry):
            yield from _below(Path(entry.path))
        else:
            yield from _file(entry)


def _below(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for entry in _entries(folder):
        if _is_folder(entry):
            if entry.name == "inbox":
                yield from _all_files(Path(entry.path))
        else:
            yield from _file(entry)


def _all_files(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    for entry in _entries(folder):
        if _is_folder(entry):
            yield from _all_files(Path(entry.path))
        else:
            yield from _file(entry)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not _is_hidden(e.name)), key=lambda e: e.name)
    except OSError:  # gone meanwhile, or closed to us
        return []


def _is_hidden(name: str) -> bool:
    """A name that begins with two dots is a path trick, not a hidden file."""
    return name.startswith(".") and not name.startswith("..")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _file(entry: os.DirEntry[str]) -> Iterator[tuple[Path, tuple[int, int]]]:
    name = entry.name.lower()
    if name.startswith("~$") or name.endswith((SIDE_SUFFIX, *UNFINISHED_SUFFIXES)):
        return
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError:
        return
    if stat.S_ISREG(facts.st_mode):
        yield Path(entry.path), (facts.st_size, facts.st_mtime_ns)


def _look(landing: Path, name: str, mtime_ns: int) -> _Found:
    path = landing / name
    steps = path.relative_to(landing).parts
    folder = steps[0] if len(steps) > 1 else UNKNOWN_FOLDER
    extract = steps[2] if len(steps) > 3 and steps[1] == "inbox" else None
    side, problem = _read_side_file(side_path(path))
    in_name = PART_IN_NAME.search(path.stem)
    part, parts = side.part, side.parts
    if part is None and parts is None and in_name is not None:
        part, parts = int(in_name[1]), int(in_name[2])
    stem = PART_IN_NAME.sub("", path.stem) if in_name is not None else ""
    if problem is None and (part is None) != (parts is None):
        problem = "分份报送须同时写明第几份和共几份，请补全后重新报送。"
    if problem is None and part is not None and parts is not None and not 1 <= part <= parts <= _MOST_PARTS:
        problem = f"分份序号有误（应为第 1 至 {_MOST_PARTS} 份中的一份，且不大于总份数），请核对后重新报送。"
    if problem is not None:
        part = parts = None
    return _Found(path, folder, extract, mtime_ns, side, part, parts, stem, problem)


def _read_side_file(path: Path) -> tuple[SideFile, str | None]:
    try:
        facts = path.lstat()
    except OSError:
        return SideFile(), None
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _SIDE_FILE_BYTES:
        return SideFile(), "报送说明（.delivery.json）不是普通的小文件，请改正后重新报送。"
    try:
        return SideFile.model_validate(json.loads(path.read_text(encoding="utf-8-sig"))), None
    except (ValidationError, ValueError, OSError, RecursionError):
        return SideFile(), "报送说明（.delivery.json）无法读取：只能写 as_of、part、parts、scope，请改正后重新报送。"


def _grouped(found: Sequence[_Found]) -> list[list[_Found]]:
    groups: list[list[_Found]] = []
    sets: dict[Any, list[_Set]] = {}
    for file in found:
        if file.part is None:
            groups.append([file])
            continue
        scope = json.dumps(file.side.scope_values())
        waiting = sets.setdefault((file.folder, file.extract, file.stem, file.parts, file.side.as_of, scope), [])
        free = next((s for s in waiting if file.part not in s.parts), None)
        if free is None:
            waiting.append(free := _Set())
        free.parts[file.part] = file
    groups += [[s.parts[p] for p in sorted(s.parts)] for waiting in sets.values() for s in waiting]
    groups.sort(key=lambda g: (max(f.mtime_ns for f in g), g[0].path))
    return groups


def _delivery(group: Sequence[_Found], departments: set[str], contracts: Contracts) -> Delivery | None:
    first = group[0]
    problem = first.problem
    parts = first.parts
    if parts is not None and len(group) < parts:
        if time.time() - max(f.mtime_ns for f in group) / 1e9 < PARTS_WAIT_SECONDS:
            return None
        missing = sorted(set(range(1, parts + 1)) - {f.part for f in group})
        named = "、".join(map(str, missing[:_NAMED_PARTS])) + ("…" if len(missing) > _NAMED_PARTS else "")
        problem = f"共 {parts} 份的报送等了 24 小时仍缺第 {named} 份，请全部重新报送。"
    department = first.folder if first.folder in departments else None
    extract = first.extract if f"{department}__{first.extract}" in contracts else None
    files = tuple(DeliveryFile(f.path, f.path.name, f.part, f.parts) for f in group)
    return Delivery(department, first.folder, extract, files, first.side.as_of, first.side.scope_values(), problem)
