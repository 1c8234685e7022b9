"""What a backup holds: read before anything is restored. It names no person and no delivered file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.errors import UserError

FILE = "manifest.json"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Link(BaseModel):
    """The head of the hash chain in the backup."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seq: int
    hash: Sha256


class Manifest(BaseModel):
    """One backup.

    Attributes:
        files: SHA-256 as stored, by name; those of the secrets' folder included.
        archive: contents of the archive that the database speaks of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    made_at: datetime
    project_version: str
    postgres_version: str
    chain: Link | None
    is_encrypted: bool
    files: dict[str, Sha256]
    archive: list[Sha256]


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    try:
        return Manifest.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} 中没有 {FILE}：不是备份，或备份没有做完") from error
    except ValidationError as error:
        raise UserError(f"{folder / FILE} 不能识别：可能由更新的版本写成") from error
