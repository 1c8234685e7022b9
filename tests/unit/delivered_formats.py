"""Writers of one table in every format a department delivers, for tests of the readers."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlwt

Rows = Sequence[Sequence[str]]

_ODS_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)
ODS_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"


def write_zip(folder: Path, members: Mapping[str, bytes]) -> Path:
    """Write a zip archive."""
    path = folder / "delivered.zip"
    path.write_bytes(zipped(members))
    return path


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def delimited(rows: Rows, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """Return the rows as delimited text."""
    return "".join(delimiter.join(row) + "\r\n" for row in rows).encode(encoding)


def xlsx(rows: Rows) -> bytes:
    """Return the rows as an XLSX workbook of text cells."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def xls(rows: Rows) -> bytes:
    """Return the rows as an XLS workbook of text cells."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("数据")
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write(number, column, text)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def ods(*tables: str, declarations: str = "", manifest: str = "") -> bytes:
    """Return an ODS workbook of the tables given as XML."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{declarations}<office:document-content {_ODS_NAMES}>'
        '<office:automatic-styles><style:style style:name="hidden" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
        f"<office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    listed = f'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">{manifest}</m:manifest>'
    return zipped(
        {"mimetype": ODS_TYPE, "META-INF/manifest.xml": listed.encode(), "content.xml": content.encode()},
    )


def ods_table(*rows: str, name: str = "数据", more: str = "") -> str:
    """Return a table of an ODS workbook of the rows given as XML."""
    return f'<table:table table:name="{name}" {more}>{"".join(rows)}</table:table>'


def ods_row(cells: Sequence[str], more: str = "") -> str:
    """Return a row of text cells of an ODS workbook."""
    texts = (
        f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
        if cell
        else "<table:table-cell/>"
        for cell in cells
    )
    return f"<table:table-row>{''.join(texts)}{more}</table:table-row>"


def html(rows: Rows, encoding: str = "utf-8", charset: str = "utf-8") -> bytes:
    """Return the rows as a web page, as a system exports them under the name xls."""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    page = f'<html><head><meta charset="{charset}"></head><body><table border="1">{body}</table></body></html>'
    return page.encode(encoding)


def objects(rows: Rows) -> list[dict[str, str]]:
    """Return the rows below the header as objects."""
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def json_text(value: object, encoding: str = "utf-8") -> bytes:
    """Return a value as JSON that is not escaped to ASCII."""
    return json.dumps(value, ensure_ascii=False).encode(encoding)


def jsonl(rows: Rows) -> bytes:
    """Return the rows below the header as JSON lines."""
    return b"".join(json_text(item) + b"\n" for item in objects(rows))


def parquet(rows: Rows) -> bytes:
    """Return the rows as a Parquet file of text columns."""
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])}
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content, row_group_size=2)
    return content.getvalue()


FORMATS: Mapping[str, tuple[str, Callable[[Rows], bytes]]] = {
    "csv": ("csv", delimited),
    "csv in UTF-8 with a mark": ("csv", lambda rows: delimited(rows, encoding="utf-8-sig")),
    "csv in GB18030": ("csv", lambda rows: delimited(rows, encoding="gb18030")),
    "csv in UTF-16": ("csv", lambda rows: delimited(rows, encoding="utf-16")),
    "tsv": ("csv", lambda rows: delimited(rows, "\t")),
    "txt with bars": ("csv", lambda rows: delimited(rows, "|")),
    "xlsx": ("xlsx", xlsx),
    "xls": ("xls", xls),
    "ods": ("ods", lambda rows: ods(ods_table(*(ods_row(row) for row in rows)))),
    "html": ("html", html),
    "html in GBK": ("html", lambda rows: html(rows, "gb18030", "gb2312")),
    "html in UTF-16": ("html", lambda rows: html(rows, "utf-16", "unicode")),
    "html that claims GB2312 but is UTF-8": ("html", lambda rows: html(rows, "utf-8", "gb2312")),
    "json": ("json", lambda rows: json_text(objects(rows))),
    "json in UTF-8 with a mark": ("json", lambda rows: json_text(objects(rows), "utf-8-sig")),
    "json in GB18030": ("json", lambda rows: json_text(objects(rows), "gb18030")),
    "json in UTF-16": ("json", lambda rows: json_text(objects(rows), "utf-16")),
    "json under a key": ("json", lambda rows: json_text({"data": objects(rows)})),
    "json two levels down": ("json", lambda rows: json_text({"code": 0, "data": {"n": 3, "list": objects(rows)}})),
    "json of arrays": ("json", json_text),
    "jsonl": ("jsonl", jsonl),
    "parquet": ("parquet", parquet),
    "gz": ("gzip", lambda rows: gzip.compress(delimited(rows))),
    "gz of xlsx": ("gzip", lambda rows: gzip.compress(xlsx(rows))),
    "zip": ("zip", lambda rows: zipped({"名单.csv": delimited(rows)})),
    "zip of xls": ("zip", lambda rows: zipped({"名单.xls": xls(rows)})),
}
"""How the table is written -> (the format it is detected as, the writer)."""
