"""The text of one cell: made clean on the way in, made harmless on the way out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from xiqing_space.errors import InputDataError

TEXT_LIMIT = 2_000  # characters kept of one cell; the longest real remark seen in office lists is a few hundred
ROW_LIMIT = 200_000
COLUMN_LIMIT = 500
CELL_LIMIT = 4_000_000  # of one sheet: what a laptop's memory holds; 200,000 rows of 20 columns
BYTES_LIMIT = 200_000_000  # of a file, and of all that a zipped one holds

# Letters and digits are told apart by their code alone, wherever they stand; punctuation only where no Chinese is near.
_ALNUM = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()}
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_IN_NUMBER = re.compile(r"(?<=\d)[．，－：／](?=\d)")
_FULL = re.compile("[\uff01-\uff5e]")
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")


def _is_unseen(one: str) -> bool:
    """Controls, bidi and zero-width marks, halves of pairs, and codes that no text may hold."""
    code = ord(one)
    return unicodedata.category(one) in ("Cc", "Cf", "Cs") or (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def clean_text(text: str) -> str:
    """Text of a cell, fit to be shown and compared.

    Line breaks become blanks; control, bidi and zero-width characters go; full-width letters and digits become plain ones,
    full-width punctuation only inside a number or where the cell holds no Chinese. What is left is never evaluated.

    Parameters
    ----------
    text : str
        Of any length; see `TEXT_LIMIT` for what a reader keeps.
    """
    if text.isprintable() and not _FULL.search(text):
        return text.strip()  # nearly every cell
    text = _BREAKS.sub(" ", text)
    text = "".join(one for one in text if not _is_unseen(one)).translate(_ALNUM)
    text = text.translate(_WIDE) if not _HAN.search(text) else text.replace("\u3000", " ")
    return _IN_NUMBER.sub(lambda found: found[0].translate(_WIDE), text).strip()


def defuse_cell(value: Any) -> Any:
    """A value as it may be written to CSV or XLSX: text that a spreadsheet would run as a formula gets an apostrophe.

    Numbers and everything else that is no text stay as they are. Lone carriage returns would break a CSV row.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")) else text


@dataclass(frozen=True)
class Fault:
    """A cell or row that cannot be read. `column` counts from 0; None means the whole row."""

    row: int
    column: int | None
    zh: str
    en: str


@dataclass
class Grid:
    """Cells of one sheet before any row is known to be the header: cleaned text by row number and column from 0.

    Attributes
    ----------
    rows : dict
        Row number (from 1, as Excel shows it) to {column: text}; empty cells and rows are absent.
    merges : list of (first row, first column, last row, last column)
        Ranges of merged cells; both ends are in it.
    faults : list of Fault
        Cells that hold an error, or a formula without a stored value.
    notes : list of (check, row, fields)
        Doubts, worded by the catalogue's quality.toml.
    """

    name: str = ""
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    cells: int = 0
    ragged: bool = False  # a text file: a row longer than its header has a separator too many

    def put(self, where: str, row: int, column: int, value: str) -> None:
        """Add one cell; too many rows or columns raise `InputDataError`."""
        text = clean_text(value[: 2 * TEXT_LIMIT])
        if len(value) > 2 * TEXT_LIMIT or len(text) > TEXT_LIMIT:
            text = text[:TEXT_LIMIT].rstrip()
            self.notes.append(("text_cut", row, {"limit": str(TEXT_LIMIT), "column": column_letters(column)}))
        if not text:
            return
        if row > ROW_LIMIT or column >= COLUMN_LIMIT:
            raise InputDataError(
                f"第 {row} 行第 {column_letters(column)} 列有内容，超出上限（{ROW_LIMIT:,} 行、{COLUMN_LIMIT} 列）"
                f" / there is content in row {row}, column {column_letters(column)}: the limit is {ROW_LIMIT:,} rows and"
                f" {COLUMN_LIMIT} columns",
                where=where,
                todo="删去远处的零散内容，或把表拆成几个文件 / remove stray content far away, or split the table",
            )
        self.cells += 1
        if self.cells > CELL_LIMIT:
            raise InputDataError(
                f"单元格超过 {CELL_LIMIT:,} 个 / there are more than {CELL_LIMIT:,} cells",
                where=where,
                todo="只保留需要的列，或把表拆成几个文件 / keep the columns that are needed, or split the table",
            )
        self.rows.setdefault(row, {})[column] = text


def column_letters(column: int) -> str:
    """The letters that Excel shows for a column counted from 0: A, B, …, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
