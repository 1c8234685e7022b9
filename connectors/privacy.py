"""What may be seen of personal data, and the keyed hashes that stand for it.

The masks themselves are `quality.mask_value` (schema/016_masks.sql): evaluated once, in the database, set-based.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shlex
import stat
from pathlib import Path

from connectors.contract import ColumnType, Contract, Level
from connectors.errors import UserError
from connectors.settings import Settings

_CITIZEN_18 = re.compile(
    r"([1-9]\d{2})\d{3}[ -]?(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?(\d{3})[\dXx]", re.ASCII
)
_CITIZEN_15 = re.compile(r"(?<!\d)([1-9]\d{2})\d{5}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)", re.ASCII)
_PHONE = re.compile(r"(?<!\d)((?:(?:\+|00)?86[ -]?)?1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)", re.ASCII)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９Ｘｘ　－＋", "0123456789Xx -+")
_BLOCK = 64
"""Block size of SHA-256 in bytes (RFC 2104)."""


def mask_identifiers(text: str) -> str:
    """Mask citizen numbers and phone numbers standing anywhere in a file name, header or reason; keep the rest.

    Full-width digits count as digits, single blanks and dashes between a number's groups as part of it. Text without
    identifiers is returned unchanged. `quality.mask_value(…, 'scan')` does the same.
    """
    plain = text.translate(_FULL_WIDTH)
    masked = _CITIZEN_18.sub(r"\1***********\2*", plain)
    masked = _CITIZEN_15.sub(r"\1************", masked)
    masked = _PHONE.sub(r"\1****\2", masked)
    return text if masked == plain else masked


def mask_kind(contract: Contract, column: str) -> str:
    """Return the kind of `quality.mask_value` under which a column's values leave its department.

    L1 and L2 stay readable except for identifiers in them (`scan`); what stands in a column of dates, numbers or codes
    and is none may have come from the next column, or from another department's file (`typed`).
    """
    kind = contract.columns[column].type
    if contract.level(column) in (Level.L1, Level.L2):
        if kind in (ColumnType.TEXT, ColumnType.USCC):
            return "scan"
        return "typed"
    if kind is ColumnType.ID:
        return "id"
    for word, mask in (("phone", "phone"), ("account", "account"), ("address", "address")):
        if word in column:
            return mask
    is_name = column == "name" or column.endswith("_name") or column in ("legal_representative", "handler", "reporter")
    return "name" if kind is ColumnType.TEXT and is_name else "text"


def check_private(path: Path) -> None:
    """Refuse a secret that others may read.

    Raises:
        UserError: its mode is wider than 0600; says how to close it.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UserError(
            f"{path} 是密钥，却允许他人读取（权限 {mode:04o}）：请运行 chmod 600 {shlex.quote(str(path))}；"
            "若可能已被他人读过，再运行 `weihai rotate-key`（记录键密钥）或删除该文件后运行 `weihai up`（角色密码）"
        )


def record_key_secret(settings: Settings) -> str:
    """Return the home's secret under which record keys are made, creating it on first use (mode 0600).

    32 random bytes in hex; the text itself is the key of the HMAC.

    Raises:
        UserError: the file is there but does not hold a secret, others may read it, or it is being replaced.
    """
    if next_key_path(settings).exists():
        raise UserError("记录键密钥的更换没有完成：请运行 `weihai up`，再重试")
    path = record_key_path(settings)
    settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        fresh = path.with_name(f".record_key.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return read_record_key(settings)


def record_key_path(settings: Settings) -> Path:
    """Return where the record-key secret lies."""
    return settings.secrets / "record_key"


def next_key_path(settings: Settings) -> Path:
    """Return where the secret lies that is to replace it; there only while `rotation` works or was cut short."""
    return settings.secrets / "record_key.next"


def read_record_key(settings: Settings) -> str:
    """Return the record-key secret, also while it is being replaced.

    Raises:
        UserError: it does not hold a secret, or others may read it.
    """
    path = record_key_path(settings)
    check_private(path)
    try:
        secret = path.read_text(encoding="ascii").strip()
        size = len(bytes.fromhex(secret))
    except ValueError as error:
        raise UserError(f"{path} 不是有效的记录键密钥：请从备份恢复该文件") from error
    if size < 32:
        raise UserError(f"{path} 不足 32 字节：请从备份恢复该文件")
    return secret


def hmac_pads(secret: str) -> tuple[bytes, bytes]:
    """Return the inner and outer padded keys of HMAC-SHA256 (RFC 2104), for SQL that has only `sha256`."""
    key = secret.encode()
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)


def keyed_hash(secret: str, text: str) -> str:
    """Return HMAC-SHA256 of a text in hex: stands for names that must not stand in the database."""
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
