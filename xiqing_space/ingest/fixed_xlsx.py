"""Workbooks whose bytes depend on their content alone, and whose text no spreadsheet will run."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xiqing_space.errors import OutputError

MAX_TEXT = 500
_RUNS = tuple("=+-@＝＋－＠")
_DAY = "2020-01-01T00:00:00Z"


def put_text(cell: Any, text: str, longest: int = MAX_TEXT, kept: str = "") -> Any:
    """Put text from a file into a cell: never a formula, no control characters but those in `kept`, at most `longest` long."""
    bare = "".join(one if one.isprintable() or one in kept else " " for one in text[:longest]).strip(" ")
    if bare:
        cell.value = bare
        cell.data_type = "s"  # openpyxl takes a leading = for a formula
        if bare.lstrip().startswith(_RUNS):
            cell.quotePrefix = True  # and a spreadsheet would, once the cell is edited
    return cell


def save_fixed(book: Any, path: Path) -> Path:
    """Save a workbook with fixed times, by way of a file beside it that then takes its place.

    Raises
    ------
    OutputError
        The folder cannot be written, or the workbook is open in another program.
    """
    book.properties.creator = "xiqing_space"
    return save_office(book.save, path)


def save_office(save: Callable[[Path], None], path: Path) -> Path:
    """Save an Office file (XLSX, DOCX) with fixed times; `save` writes it to the path that it is given.

    Raises
    ------
    OutputError
        The folder cannot be written, or the file is open in another program.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            raw, fixed = Path(folder) / f"raw{path.suffix}", Path(folder) / f"fixed{path.suffix}"
            save(raw)
            with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
                for name in sorted(source.namelist()):
                    data = source.read(name)
                    if name == "docProps/core.xml":
                        data = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>" + _DAY.encode(), data)
                    item = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
                    item.compress_type = zipfile.ZIP_DEFLATED
                    item.create_system = 0  # the same bytes on every system
                    target.writestr(item, data)
            fixed.replace(path)
    except OSError as error:
        raise OutputError(
            "无法写入文件 / the file cannot be written",
            where=path.name,
            todo="如已在 Excel、Word 或 WPS 中打开，请先关闭 / close it in Excel, Word or WPS if it is open there",
        ) from error
    return path
