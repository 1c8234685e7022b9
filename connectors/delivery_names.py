"""How files of a delivery are named, what may stand beside them, and names that are safe to show."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

UNKNOWN_FOLDER = "_unknown"
"""Where files that lie in no department's folder are answered."""
SIDE_SUFFIX = ".delivery.json"
UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".filepart", ".partial", ".download")
"""Endings that upload programs give to files they are still writing."""
PART_IN_NAME = re.compile(r"[\s_\-（(]*第\s*(\d{1,4})\s*份\s*[,，]?\s*共\s*(\d{1,4})\s*份[)）]?")

_FORBIDDEN = re.compile(
    '[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]'
)
_NAME_BYTES = 160
"""Leaves room in 255 bytes for `.<batch>.receipt.json`."""


Said = Annotated[str, StringConstraints(pattern=r"\A[^\x00]*\z")]
"""Text without NUL, which JSON can name and PostgreSQL holds in no text."""


class SideFile(BaseModel):
    """What `FILE.delivery.json` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date | None = None
    part: int | None = None
    parts: int | None = None
    scope: dict[Said, Said | int | list[Said | int]] | None = None

    def scope_values(self) -> dict[str, list[str]] | None:
        """Return the scope with every value as a list of texts."""
        if self.scope is None:
            return None
        return {k: [str(x) for x in (v if isinstance(v, list) else [v])] for k, v in sorted(self.scope.items())}


def side_path(path: Path) -> Path:
    """Return where a file's side file lies."""
    return path.with_name(path.name + SIDE_SUFFIX)


def safe_name(name: str) -> str:
    """Return a name that can stand in any file system, page or workbook and does nothing there."""
    plain = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    plain = _FORBIDDEN.sub("_", plain).replace("..", "_").strip()
    plain = re.sub(r"^[.=+\-@~\s]+", "_", plain) or "_"
    if len(plain.encode()) <= _NAME_BYTES:
        return plain
    ending = Path(plain).suffix[-12:]
    return plain.encode()[: _NAME_BYTES - len(ending.encode())].decode("utf-8", "ignore") + ending
