"""A workbook in the house's style, written fast: fixed bytes, text that no spreadsheet runs, the sample's label on every sheet."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from xiqing_space.errors import OutputError
from xiqing_space.ingest.cells import defuse_cell

TEXT_LIMIT = 2_000
FONT = "Microsoft YaHei"
SAMPLE = "【示例数据 / synthetic sample】"
_STAMP = (2020, 1, 1)


class Book:
    """A workbook whose bytes depend on its content alone, and whose text no spreadsheet will run.

    Raises
    ------
    OutputError
        On closing: the folder cannot be written, or the workbook is open in another program.
    """

    def __init__(self, path: Path, label: str = "", note: str = "") -> None:
        import datetime

        import xlsxwriter

        self.path, self.label = path, label
        self.foot = " ".join(
            one for one in ("示例数据 synthetic sample" if label else "", note or "内部使用 internal use") if one
        )
        self._new = path.with_name(path.name + ".new")
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": False,
        }
        self.book = xlsxwriter.Workbook(str(self._new), options)
        self.book.set_properties({"author": "xiqing_space", "created": datetime.datetime(*_STAMP)})
        self._formats: dict[Any, Any] = {}
        self._names: set[str] = set()

    def format(self, **properties: Any) -> Any:
        """A format, made once for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(
                {"font_name": FONT, "font_size": 10, "valign": "top"} | properties
            )
        return self._formats[key]

    def sheet(self, name: str, title: str, note: str = "") -> Any:
        """A new sheet with its title, the sample's label, and how it prints."""
        plain = re.sub(r"[\[\]:*?/\\']", " ", name)[:31]
        while plain.lower() in self._names:
            plain = plain[:29] + "_2"
        self._names.add(plain.lower())
        sheet = self.book.add_worksheet(plain)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer(f"&L{self.foot.replace('&', '&&')[:200]}&R&P / &N")
        red = "9C1C1C" if self.label else "222222"
        sheet.set_row(0, 26)
        self.text(
            sheet, 0, 0, self.label + title, self.format(bold=True, font_size=14, font_color=red, valign="vcenter")
        )
        if note:
            self.text(sheet, 1, 0, note, self.format(font_size=9, font_color="5C5C5C"))
        return sheet

    def text(self, sheet: Any, row: int, column: int, text: str, form: Any) -> None:
        """Put text into a cell as text, clean and defused."""
        bare = clean(text)
        if bare:
            sheet.write_string(row, column, bare, form)

    def close(self) -> Path:
        """Write the file beside the old one and put it in its place."""
        from xlsxwriter.exceptions import FileCreateError

        try:
            self.book.close()
            _same_everywhere(self._new)
            self._new.replace(self.path)
        except (OSError, FileCreateError) as error:
            raise OutputError(
                "无法写入工作簿 / the workbook cannot be written", where=self.path.name,
                todo="如已在 Excel 或 WPS 中打开，请先关闭 / close it in Excel or WPS if it is open there",
            ) from error  # fmt: skip
        finally:
            self._new.unlink(missing_ok=True)
        return self.path


def _same_everywhere(path: Path) -> None:
    """The operating system that wrote a zip file stands in it: say the same one everywhere."""
    with zipfile.ZipFile(path) as source:
        parts = [(item.filename, source.read(item)) for item in source.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts:
            item = zipfile.ZipInfo(name, date_time=(*_STAMP, 0, 0, 0))
            item.compress_type, item.create_system = zipfile.ZIP_DEFLATED, 0
            target.writestr(item, data)


def clean(text: str) -> str:
    """Text as it may stand in a cell: no control characters save line breaks, not too long, nothing that would run."""
    if not text.isprintable():
        text = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    if len(text) > TEXT_LIMIT:
        text = text[: TEXT_LIMIT - 1] + "…"
    return str(defuse_cell(text.strip(" ")))
