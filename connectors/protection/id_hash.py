"""A keyed hash that stands for an identity number where lists are joined: the same in SQL and outside."""

from __future__ import annotations

import hmac
from uuid import UUID

from connectors.privacy import hmac_pads

_DOMAIN = "id\x1f"
"""Keeps these hashes apart from record keys and fingerprints, which are made with the same secret."""


def id_hash(secret: str, number: str) -> UUID:
    """Return HMAC-SHA256 of a number (upper case, without blanks), first 16 bytes.

    Args:
        secret: of `privacy.record_key_secret`; after its rotation every hash is another.
    """
    message = (_DOMAIN + number.strip().upper()).encode()
    return UUID(bytes=hmac.digest(secret.encode(), message, "sha256")[:16])


def id_hash_sql(column: str) -> str:
    """Return the SQL of `id_hash` over a text column; its parameters are those of `pads`.

    Args:
        column: SQL of the number; trusted text.
    """
    message = f"convert_to('id' || chr(31) || upper(btrim({column})), 'UTF8')"
    return f"encode(substr(sha256(%(outer)s::bytea || sha256(%(inner)s::bytea || {message})), 1, 16), 'hex')::uuid"


def pads(secret: str) -> dict[str, bytes]:
    """Return the parameters of `id_hash_sql`: the key goes with the statement and is never stored in the database."""
    inner, outer = hmac_pads(secret)
    return {"inner": inner, "outer": outer}
