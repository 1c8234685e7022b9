"""Files that only their home can read, and nobody else can change: encrypted under its record-key secret."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from connectors.privacy import keyed_hash

if TYPE_CHECKING:
    from typing_extensions import Buffer

_NONCE, _TAG = 12, 16
"""Bytes before and after the content (NIST SP 800-38D)."""
_STEP = 4 * 1024 * 1024


class UnsealedError(ValueError):
    """A file is not whole, is not what was written, or was written under another secret."""


class SealedWriter(io.RawIOBase):
    """Encrypts what is written to it (AES-256-GCM) into a file; closed, the file is whole.

    Nobody waits for the disk: what a failing machine leaves of it is refused when it is read.
    """

    def __init__(self, file: BinaryIO, secret: str) -> None:
        """Begin.

        Args:
            file: empty; closed with this writer.
            secret: of the home.
        """
        nonce = os.urandom(_NONCE)
        file.write(nonce)
        self._file = file
        self._encryptor = Cipher(AES(_key(secret)), GCM(nonce)).encryptor()

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def write(self, data: Buffer, /) -> int:
        """Write all of the data."""
        content = memoryview(data).cast("B")
        self._file.write(self._encryptor.update(content))
        return len(content)

    def close(self) -> None:
        """Finish the file."""
        if not self.closed:
            self._encryptor.finalize()
            self._file.write(self._encryptor.tag)
            self._file.close()
        super().close()


class SealedReader(io.RawIOBase):
    """Decrypts a file that a `SealedWriter` wrote, bit by bit; nothing is given before all of it is verified."""

    def __init__(self, path: Path, secret: str) -> None:
        """Open and verify.

        Raises:
            FileNotFoundError: there is none.
            UnsealedError: it is damaged, or of another secret.
        """
        self._file = path.open("rb")
        try:
            nonce = self._file.read(_NONCE).ljust(_NONCE)
            self._cipher = Cipher(AES(_key(secret)), GCM(nonce))
            self._begin()
            while self.read(_STEP):
                pass
            self._decryptor.finalize_with_tag(self._file.read(_TAG))
            self._begin()
        except (InvalidTag, ValueError):
            self._file.close()
            raise UnsealedError(path.name) from None

    def _begin(self) -> None:
        self._left = os.fstat(self._file.fileno()).st_size - _NONCE - _TAG
        if self._left < 0:
            raise ValueError
        self._file.seek(_NONCE)
        self._decryptor = self._cipher.decryptor()

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer as far as there is content; return with how many bytes."""
        target = memoryview(buffer).cast("B")
        found = self._decryptor.update(self._file.read(min(len(target), self._left)))
        target[: len(found)] = found
        self._left -= len(found)
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def _key(secret: str) -> bytes:
    """Return a key of 32 bytes for this use of the secret alone."""
    return bytes.fromhex(keyed_hash(secret, "sealed files"))
