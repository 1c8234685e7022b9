"""Names of the columns that stand for a record, in staging and in raw."""

from __future__ import annotations

BASE, ROW_HASH, MENTION_KEY = "_base", "_row_hash", "_mention_key"
