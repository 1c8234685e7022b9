"""Readers by detected content: any supported file becomes sheets of text cells.

file = open_file(path, limits=settings.limits)
for sheet in file.sheets: for batch in sheet.batches(): ...
"""

from __future__ import annotations

from connectors.readers.detect import open_file
from connectors.readers.model import (
    FAULT_ENCODING,
    FAULT_QUOTE,
    MergedCells,
    TextBatch,
    TextFile,
    TextSheet,
    UnreadableFileError,
)

__all__ = [
    "FAULT_ENCODING",
    "FAULT_QUOTE",
    "MergedCells",
    "TextBatch",
    "TextFile",
    "TextSheet",
    "UnreadableFileError",
    "open_file",
]
