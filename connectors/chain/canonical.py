"""The one form in which things are hashed, the same here and in `schema/020_hash_chain.sql`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence


def canonical(texts: Sequence[str | None]) -> bytes:
    """Return a JSON array of texts and nulls without blanks, in UTF-8: PostgreSQL's `array_to_json(text[])`."""
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":")).encode()


def sha256_of(texts: Sequence[str | None]) -> str:
    """Return the SHA-256 of the canonical form in hex."""
    return hashlib.sha256(canonical(texts)).hexdigest()
