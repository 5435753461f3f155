"""Workbooks whose bytes depend on their content alone, and whose text no spreadsheet will run."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from xiqing_space.errors import OutputError

MAX_TEXT = 2000
_RUNS = tuple("=+-@＝＋－＠")
_WHEN = (2020, 1, 1, 0, 0, 0)


def put_text(cell: Any, text: str) -> Any:
    """Put text into a cell as text: never a formula, without control characters save line breaks, at most `MAX_TEXT` long."""
    bare = "".join(one if one.isprintable() or one == "\n" else " " for one in text[:MAX_TEXT]).strip(" ")
    if bare:
        cell.value = bare
        cell.data_type = "s"  # openpyxl takes a leading = for a formula
        if bare.lstrip().startswith(_RUNS):
            cell.quotePrefix = True  # and a spreadsheet would, once the cell is edited
    return cell


def save_book(book: Any, path: Path) -> Path:
    """Save a workbook with fixed times, written beside the old one and then put in its place.

    Raises
    ------
    OutputError
        The folder cannot be written, or the workbook is open in another program.
    """
    book.properties.creator = "xiqing_space"
    raw, fixed = path.with_name(path.name + ".raw"), path.with_name(path.name + ".new")
    try:
        book.save(raw)
        with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                data = source.read(name)
                if name == "docProps/core.xml":
                    data = re.sub(rb"(<dcterms:(created|modified)[^>]*>)[^<]*", rb"\g<1>2020-01-01T00:00:00Z", data)
                item = zipfile.ZipInfo(name, date_time=_WHEN)
                item.compress_type = zipfile.ZIP_DEFLATED
                item.create_system = 0  # the same bytes on every system
                target.writestr(item, data)
        fixed.replace(path)
    except OSError as error:
        raise OutputError(
            "无法写入工作簿 / the workbook cannot be written",
            where=path.name,
            todo="如已在 Excel 或 WPS 中打开，请先关闭 / close it in Excel or WPS if it is open there",
        ) from error
    finally:
        for rest in (raw, fixed):
            rest.unlink(missing_ok=True)
    return path
