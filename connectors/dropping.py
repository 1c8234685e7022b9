"""Putting deliveries into the landing zone: atomic, never over a file that still waits there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rapidfuzz import process

from connectors.contract import Contract, Contracts, load_contracts
from connectors.delivery_names import SIDE_SUFFIX, UNFINISHED_SUFFIXES, SideFile, side_path
from connectors.errors import UserError
from connectors.scopes import column_names
from connectors.settings import Settings


def drop(
    settings: Settings,
    department: str,
    extract: str,
    files: Sequence[Path],
    *,
    as_of: date | None = None,
    scope: Mapping[str, Sequence[str]] | None = None,
    part: tuple[int, int] | None = None,
) -> list[Path]:
    """Put one delivery into the landing zone; several files are its parts.

    Args:
        extract: the part of the contract id after `__`.
        scope: columns and the values of them that the delivery speaks for.
        part: (k, n): the file is part k of n.

    Returns:
        Where the files lie now.

    Raises:
        UserError: unknown department, extract or scope column; no such file; contradictory parts.
    """
    contract = known_contract(load_contracts(settings.contract_folders), department, extract)
    if unknown := sorted(set(scope or {}) - column_names(contract).keys()):
        raise UserError(f"{contract.id} 没有列 {'、'.join(unknown)}，--scope 只能用：{'、'.join(contract.columns)}")
    if part is not None and not (len(files) == 1 and 1 <= part[0] <= part[1]):
        raise UserError("--part k/n 一次只放一个文件，且 1 ≤ k ≤ n；同时放多个文件时不必写 --part")
    for path in files:
        if not path.is_file():
            raise UserError(f"没有文件 {path}")
    inbox = _inbox(settings, department) / extract
    inbox.mkdir(parents=True, exist_ok=True)
    numbers = [part] if part is not None else [(k, len(files)) for k in range(1, len(files) + 1)]
    placed = []
    for path, (k, n) in zip(files, numbers, strict=True):
        side = SideFile.model_validate(
            {"as_of": as_of, "scope": {c: list(v) for c, v in scope.items()} if scope else None}
            | ({"part": k, "parts": n} if n > 1 else {})
        )
        placed.append(_place(path, inbox, side))
    return placed


def drop_folder(settings: Settings, folder: Path) -> list[Path]:
    """Put a whole folder `<department>/<extract>/FILE` (+ side files) into the landing zone, in name order.

    Raises:
        UserError: the folder holds no such file, or names a department or extract that has no contract.
    """
    contracts = load_contracts(settings.contract_folders)
    found = [
        (place.parent.name, place.name, file)
        for place in sorted(folder.glob("*/*"))
        if place.is_dir() and not _is_apart(place.parent.name)
        for file in sorted(place.iterdir(), key=lambda p: (p.stem, p.name))
        if file.is_file() and not file.name.startswith(".") and not file.name.endswith(SIDE_SUFFIX)
    ]
    if not found:
        raise UserError(f"{folder} 中没有 <部门>/<数据>/文件 这样的内容")
    for department, extract, _ in found:
        known_contract(contracts, department, extract)
    placed = []
    for department, extract, file in found:
        inbox = _inbox(settings, department) / extract
        inbox.mkdir(parents=True, exist_ok=True)
        beside = side_path(file)
        side = SideFile.model_validate_json(beside.read_bytes()) if beside.is_file() else SideFile()
        placed.append(_place(file, inbox, side))
    return placed


def known_contract(contracts: Contracts, department: str, extract: str) -> Contract:
    """Return the contract of a department's extract.

    Raises:
        UserError: there is none; the message offers the nearest name and the list.
    """
    departments = sorted({c.department for c in contracts.values()})
    if department not in departments:
        raise UserError(f"没有部门 {department}{_nearest(department, departments)}；现有：{'、'.join(departments)}")
    extracts = [c.extract for c in contracts.of_department(department)]
    if extract not in extracts:
        offer = _nearest(extract, extracts)
        raise UserError(f"部门 {department} 没有数据 {extract}{offer}；现有：{'、'.join(extracts)}")
    return contracts[f"{department}__{extract}"]


def _nearest(name: str, names: Iterable[str]) -> str:
    best = process.extractOne(name, list(names), score_cutoff=60)
    return f"，是否指 {best[0]}" if best is not None else ""


def _is_apart(name: str) -> bool:
    """Later rounds and the truth of a sample lie beside its departments."""
    return name == "truth" or name.startswith("round-")


def _inbox(settings: Settings, department: str) -> Path:
    settings.landing.mkdir(parents=True, exist_ok=True)
    own = settings.landing / department
    own.mkdir(mode=0o700, exist_ok=True)
    return own / "inbox"


def _place(source: Path, inbox: Path, side: SideFile) -> Path:
    temporary = inbox / f".{secrets.token_hex(8)}.dropping"
    try:
        with source.open("rb") as reading, temporary.open("xb") as writing:
            shutil.copyfileobj(reading, writing, 1024 * 1024)
            writing.flush()
            os.fsync(writing.fileno())
        said: dict[str, Any] = side.model_dump(mode="json", exclude_none=True)
        for name in _names(source.name):
            final = inbox / name
            if final.exists() or not _say(side_path(final), side if said else None):
                continue
            try:
                os.link(temporary, final)
            except FileExistsError:
                continue
            return final
    finally:
        temporary.unlink(missing_ok=True)
    raise AssertionError


def _say(path: Path, side: SideFile | None) -> bool:
    """Write a side file whole; False where another delivery of that name still has one."""
    if path.exists():
        return False
    if side is None:
        return True
    temporary = path.with_name(f".{secrets.token_hex(8)}.dropping")
    temporary.write_text(side.model_dump_json(exclude_none=True), encoding="utf-8")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _names(name: str) -> Iterable[str]:
    """The file's own name, then numbered ones; never one that the landing zone would pass over."""
    own = name.lstrip(".") or "_"
    if own.lower().endswith((SIDE_SUFFIX, *UNFINISHED_SUFFIXES)) or own.startswith("~$"):
        own = f"_{own}_"
    yield own
    path = Path(own)
    number = 2
    while True:
        yield f"{path.stem}({number}){path.suffix}"
        number += 1
