"""What a file is, seen from its first bytes; and its sheets as grids of text."""

from __future__ import annotations

import re
from pathlib import Path

from xiqing_space.errors import InputDataError, InputFileError
from xiqing_space.ingest.cells import BYTES_LIMIT, Grid
from xiqing_space.ingest.excel_files import broken, check_zip, password, read_xls_grids, read_xlsx_grids
from xiqing_space.ingest.headers import known_count
from xiqing_space.ingest.text_files import read_text_grid

_SAVE = "用 Excel 或 WPS 打开并另存为 .xlsx / open it in Excel or WPS and save it as .xlsx"
_FOREIGN = (
    (b"%PDF", "PDF"), (b"\x89PNG", "图片 / picture"), (b"\xff\xd8\xff", "图片 / picture"), (b"GIF8", "图片 / picture"),
    (b"{\\rtf", "RTF"), (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"), (b"SQLite format 3", "GeoPackage/SQLite"),
    (b"MIME-Version:", "网页归档 / web archive (MHTML)"), (b"ID;P", "SYLK"),
)  # fmt: skip


TABLES = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls", ".et"})


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name; anything else is taken for a GIS file."""
    return path.suffix.lower() in TABLES


def read_bytes(path: Path) -> bytes:
    """All bytes of a file that is there, can be opened, is not too large and not empty."""
    missing = "检查配置中的路径与文件名 / check the path and name in the config"
    try:
        if not path.is_file():
            raise InputFileError("找不到文件 / there is no such file", where=path.name, todo=missing)
        size = path.stat().st_size
        if size > BYTES_LIMIT:
            raise InputDataError(
                f"文件过大（{size / 1e6:,.0f} MB） / the file is too large",
                where=path.name,
                todo="拆成几个文件 / split it",
            )
        data = path.read_bytes()
    except (PermissionError, ValueError) as error:
        if isinstance(error, InputDataError):
            raise
        raise InputDataError(
            "文件无法打开，可能正被 Excel 占用 / the file cannot be opened: perhaps it is open in Excel",
            where=path.name,
            todo="关闭 Excel 后重试 / close Excel and try again",
        ) from error
    if not data.strip(b"\0\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise InputDataError(
            "文件是空的 / the file is empty", where=path.name, todo="检查是否导出成功 / export it again"
        )
    return data


def read_grids(data: bytes, where: str, encoding: str | None) -> list[Grid]:
    """The sheets of a file by what its bytes are, whatever its extension says; else one clear message.

    Raises
    ------
    InputDataError
        Damaged or protected files, files of other programs, web pages under a table's name.
    """
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, name in _FOREIGN:
        if head.startswith(mark):
            raise _no_table(where, name)
    if data.startswith(b"PK"):
        return _zipped(data, where)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(data, where)
    plain = data[:65_536].replace(b"\0", b"").lower()
    if (
        re.search(rb"<(!doctype\s+html|html|head|body|table|meta)\b", plain)
        and plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] == b"<"
    ):
        raise _no_table(where, "网页（HTML），只是用了表格的扩展名 / web page (HTML) under a table's name")
    if plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<?xml"):
        raise _no_table(where, "XML（可能是“XML 表格 2003”） / XML (perhaps “XML Spreadsheet 2003”)")
    suffix = Path(where).suffix.lower()
    if re.match(rb"\x09[\x00\x02\x04\x08]", data) and suffix == ".xls":
        return read_xls_grids(data, where)
    if suffix in (".xlsx", ".xlsm", ".xls", ".et") and (
        b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff"))
    ):
        raise broken(where, suffix.removeprefix("."))
    grid = read_text_grid(data, where, encoding, known_count)
    if suffix in (".xlsx", ".xlsm", ".xls", ".et"):
        grid.notes.append(("text_as_workbook", 0, {"suffix": suffix}))
    return [grid]


def _no_table(where: str, what: str) -> InputDataError:
    zh, _, en = what.partition(" / ")
    return InputDataError(
        f"文件其实是 {zh}，不是表格文件 / the file is really {en or zh}, no table", where=where, todo=_SAVE
    )


def _zipped(data: bytes, where: str) -> list[Grid]:
    names = check_zip(data, where)
    if "xl/workbook.bin" in names:
        raise _no_table(where, "xlsb 二进制工作簿 / binary workbook (xlsb)")
    if any(name.lower() == "xl/workbook.xml" for name in names):
        return read_xlsx_grids(data, where)
    if any(name.endswith(".iwa") for name in names) or "Index.zip" in names:
        raise _no_table(where, "Apple Numbers 文件 / Apple Numbers file")
    if "content.xml" in names:
        raise _no_table(where, "OpenDocument（.ods）文件 / OpenDocument file")
    if any(name.startswith(("word/", "ppt/")) for name in names):
        raise _no_table(where, "Word 或 PowerPoint 文件 / Word or PowerPoint file")
    if "[Content_Types].xml" in names:
        return read_xlsx_grids(data, where)
    raise _no_table(where, "压缩包（zip） / zip archive")


def _compound(data: bytes, where: str) -> list[Grid]:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise password(where)
    if "WordDocument".encode("utf-16-le") in data or "PowerPoint Document".encode("utf-16-le") in data:
        raise _no_table(where, "Word 或 PowerPoint 文件 / Word or PowerPoint file")
    return read_xls_grids(data, where)
