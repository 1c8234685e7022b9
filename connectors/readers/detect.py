"""Which format a file is, by its content: the name's ending is not trusted."""

from __future__ import annotations

import codecs
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from connectors.readers.delimited import open_delimited
from connectors.readers.model import TextFile, UnreadableFileError
from connectors.readers.workbook import PASSWORD, open_workbook
from connectors.settings import Limits

Opener = Callable[[Path, Limits], TextFile]

READERS: Mapping[str, Opener] = {"csv": open_delimited, "xlsx": open_workbook}
"""The registry: a format is supported when it has a reader here."""

_HEAD_BYTES = 64 * 1024
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip 压缩"),
    (b"PAR1", "Parquet"),
    (b"7z\xbc\xaf", "7z 压缩"),
    (b"Rar!", "RAR 压缩"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"{\\rtf", "RTF 文档"),
)
_MARKUP = re.compile(rb"\s*<(!doctype|html|table|\?xml|meta|head|body)\b", re.IGNORECASE)
_JSON = re.compile(rb"\s*(\{\s*(\"|\})|\[\s*[\[{\"])")
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_WAY_OUT = "本平台目前接收 CSV（UTF-8 或 GB18030）和 XLSX，请转换后重新报送。"


def open_file(path: Path, *, limits: Limits) -> TextFile:
    """Detect the format of an archived file and open it; its name is not looked at.

    Raises:
        UnreadableFileError: empty, corrupt, password-protected, over a limit, or of a format not supported.
    """
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFileError("文件是空的（0 字节），请检查后重新报送。")
    if size > limits.file_bytes:
        raise UnreadableFileError(f"文件超过 {limits.file_bytes // 1024**3} GB 的上限，请分份报送。")
    return READERS[detect_format(path)](path, limits)


def detect_format(path: Path) -> str:
    """Return the key of the file's reader in `READERS`.

    Raises:
        UnreadableFileError: a format without a reader; the message names it.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_format(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise UnreadableFileError(_ole_message(path))
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise UnreadableFileError(f"文件实际是 {name} 格式，{_WAY_OUT}")
    if head.startswith(_WIDE_BOMS) or b"\x00" in head:
        raise UnreadableFileError(f"文件是 UTF-16 编码或二进制内容，{_WAY_OUT}")
    text = head.removeprefix(codecs.BOM_UTF8)
    if _MARKUP.match(text):
        raise UnreadableFileError(f"文件实际是网页（HTML 或 XML）格式，{_WAY_OUT}")
    if _JSON.match(text):
        raise UnreadableFileError(f"文件实际是 JSON 格式，{_WAY_OUT}")
    return "csv"


def _zip_format(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableFileError("文件已损坏或没有传完整（工作簿或压缩包打不开），请确认后重新报送。") from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    name = "ODS 表格" if "content.xml" in names else "XLSB 表格" if "xl/workbook.bin" in names else "压缩包"
    raise UnreadableFileError(f"文件实际是{name}，{_WAY_OUT}")


def _ole_message(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(8 * 1024**2)
    if "EncryptedPackage".encode("utf-16-le") in content:
        return PASSWORD
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return "文件是旧版 XLS 工作簿，请在电子表格软件中另存为 XLSX 后重新报送。"
    return f"文件是旧版 Office 文档，{_WAY_OUT}"
