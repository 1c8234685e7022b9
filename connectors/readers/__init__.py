"""Readers by detected content: any supported file becomes sheets of text cells.

file = open_file(path, limits=settings.limits)
for sheet in file.sheets: for batch in sheet.batches(): ...
"""

from __future__ import annotations

from connectors.readers.model import (
    FAULT_ENCODING,
    FAULT_QUOTE,
    FAULT_RECORD,
    MergedCells,
    TextBatch,
    TextFile,
    TextSheet,
    UnreadableFileError,
)
from connectors.readers.opening import open_file

__all__ = [
    "FAULT_ENCODING",
    "FAULT_QUOTE",
    "FAULT_RECORD",
    "MergedCells",
    "TextBatch",
    "TextFile",
    "TextSheet",
    "UnreadableFileError",
    "open_file",
]
