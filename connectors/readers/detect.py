"""Which format a file is, by its content: the name's ending is not trusted."""

from __future__ import annotations

import re
from pathlib import Path

from connectors.readers.archives import open_zip
from connectors.readers.json_records import is_json_lines
from connectors.readers.model import UnreadableFileError
from connectors.readers.whole_text import head_text, wide_or_marked_codec
from connectors.readers.workbook_survey import PASSWORD

CORRUPT_ZIP = "文件已损坏或没有传完整（工作簿或压缩包打不开），请确认后重新报送。"

_HEAD_BYTES = 256 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SUPPORTED_MAGIC = ((b"\x1f\x8b", "gzip"), (b"PAR1", "parquet"), (_OLE, "xls"))
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "PDF"),
    (0, b"PARE", "加密的 Parquet"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z 压缩"),
    (0, b"Rar!\x1a\x07", "RAR 压缩"),
    (0, b"\xfd7zXZ\x00", "XZ 压缩"),
    (4, b"1AY&SY", "BZ2 压缩"),
    (257, b"ustar", "TAR 打包"),
    (0, b"\x89PNG", "图片"),
    (0, b"\xff\xd8\xff", "图片"),
    (0, b"GIF8", "图片"),
    (0, b"II*\x00", "图片"),
    (0, b"{\\rtf", "RTF 文档"),
    (0, b"SQLite format 3\x00", "SQLite 数据库"),
    (4, b"Standard Jet DB", "Access 数据库"),
    (4, b"Standard ACE DB", "Access 数据库"),
)
"""(place, bytes there, name) of formats that are answered by name."""
_SPREADSHEETML = re.compile(r"urn:schemas-microsoft-com:office:spreadsheet")
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>|<!--.*?-->|\s)*<(!doctype\s+html|html|table|meta|head|body|style|div)\b", re.I | re.S
)
_MARKUP = re.compile(r"\s*<(\?xml|!doctype|[a-z][\w:.-]*[\s>/])", re.IGNORECASE)
_JSON = re.compile(r"\s*(\{\s*(\"|\})|\[\s*[\[{\"\]])")
_WAY_OUT = (
    "本平台接收 CSV、TSV、TXT（UTF-8、UTF-16 或 GB18030），XLSX、XLS、ODS，JSON、JSONL，Parquet，"
    "以及它们的 ZIP、GZ 压缩包，请转换后重新报送。"
)


def detect_format(path: Path) -> str:
    """Return the format's key: that of a reader, or `zip` or `gzip`.

    Raises:
        UnreadableFileError: empty, or a format that is not supported; the message names it.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise UnreadableFileError("文件是空的（0 字节），请检查后重新报送。")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_format(path)
    for magic, kind in _SUPPORTED_MAGIC:
        if head.startswith(magic):
            return kind
    for place, magic, name in _MAGIC:
        if head.startswith(magic, place):
            raise UnreadableFileError(f"文件实际是 {name} 格式，{_WAY_OUT}")
    if b"\x00" in head and wide_or_marked_codec(head) is None:
        raise UnreadableFileError(f"文件含有二进制内容，不是文本表格，{_WAY_OUT}")
    return _text_format(head)


def _text_format(head: bytes) -> str:
    text = head_text(head)
    if _SPREADSHEETML.search(text, 0, 4096) and _MARKUP.match(text):
        raise UnreadableFileError("文件实际是“XML 表格 2003”格式，请在电子表格软件中另存为 XLSX 后重新报送。")
    if _HTML.match(text) or (_MARKUP.match(text) and re.search(r"<table\b", text, re.IGNORECASE)):
        return "html"
    if _MARKUP.match(text):
        raise UnreadableFileError(f"文件实际是 XML 格式，{_WAY_OUT}")
    if _JSON.match(text):
        return "jsonl" if is_json_lines(head) else "json"
    return "csv"


def _zip_format(path: Path) -> str:
    with open_zip(path, CORRUPT_ZIP) as archive:
        names = set(archive.namelist())
        encrypted = any(member.flag_bits & 1 for member in archive.infolist())
    if "xl/workbook.xml" in names:
        if encrypted:
            raise UnreadableFileError(PASSWORD)
        return "xlsx"
    if "content.xml" in names and "META-INF/manifest.xml" in names:
        return "ods"
    named = {"xl/workbook.bin": "XLSB 工作簿", "word/document.xml": "DOCX 文档", "ppt/presentation.xml": "PPTX 文档"}
    for name, title in named.items():
        if name in names:
            raise UnreadableFileError(f"文件实际是 {title}，{_WAY_OUT}")
    return "zip"
