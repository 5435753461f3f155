"""Opens returned workbooks: every sheet with a header of ours as lines of text with their cells. Nothing is evaluated."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiqing_space.ingest.survey_columns import FILL_COLUMNS, column_keys, fold

HEADER_DEPTH = 20  # rows in which the header is looked for: titles and merged cells may stand above it
MAX_BYTES, MAX_UNPACKED, MAX_RATIO = 20_000_000, 300_000_000, 200
MAX_ROWS, MAX_COLUMNS, MAX_TEXT = 50_000, 100, 500
NEEDED = ("doubt_id", "answer")


@dataclass(frozen=True)
class Line:
    """A row of a returned sheet: text by column key, and the address of each cell."""

    file: str
    sheet: str
    row: int
    texts: dict[str, str]
    letters: dict[str, str]

    def cell(self, key: str) -> str:
        """File, sheet and cell, as a person finds it."""
        return f"{self.file}[{self.sheet}]!{self.letters.get(key, '')}{self.row}"


def read_lines(path: Path, problems: list[str]) -> list[Line]:
    """The lines of all return sheets of a workbook, hidden and filtered rows too; what cannot be read is added to `problems`."""
    where = path.name
    if fault := _fault(path):
        problems.append(f"{where}：{fault[0]} / {fault[1]}")
        return []
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks of the library on styles and extensions that are not read
            values = load_workbook(path, read_only=True, data_only=True, keep_links=False)
            formulas = load_workbook(path, read_only=True, data_only=False, keep_links=False)
            try:
                found, sheets = [], 0
                for sheet in values.worksheets:
                    lines = _sheet_lines(where, sheet, formulas[sheet.title], problems)
                    sheets += lines is not None
                    found += lines or []
            finally:
                values.close()
                formulas.close()
    except Exception as error:  # a damaged workbook can raise anything
        problems.append(
            f"{where}：文件已损坏或不是 xlsx（{type(error).__name__}）/ damaged, or no xlsx: save it as .xlsx in Excel or WPS"
        )
        return []
    if not sheets:
        problems.append(
            f"{where}：没有回执表（需有“疑点编号”和“答复”两列）/ no return sheet: columns 疑点编号 and 答复 are needed"
        )
    return found


def _fault(path: Path) -> tuple[str, str] | None:
    """Why a file is not opened at all."""
    if not path.is_file():
        return "找不到文件", "no such file"
    if path.stat().st_size > MAX_BYTES:
        return f"文件超过 {MAX_BYTES // 1_000_000} MB，未打开", "too large to be a return sheet; not opened"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            parts = [one for one in members if one.filename.endswith((".xml", ".rels")) and not one.flag_bits & 1]
            typed = any(b"<!DOCTYPE" in _head_of(archive, one) for one in parts)
    except Exception:  # not every damaged file is a BadZipFile
        return "不是 xlsx 文件，请在 Excel 或 WPS 中另存为 .xlsx", "no xlsx file: save it as .xlsx in Excel or WPS"
    if typed:  # no part of a workbook has one; it would want entities expanded or files fetched
        return "内含 XML 文档类型声明，未打开", "it holds an XML document type; not opened"
    packed = any(one.file_size > 1_000_000 and one.file_size > MAX_RATIO * one.compress_size for one in members)
    if packed or sum(one.file_size for one in members) > MAX_UNPACKED:
        return "展开后过大，未打开", "unpacked it would be too large; not opened"
    return None


def _head_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as part:
        return part.read(4096)


def _sheet_lines(where: str, sheet: Any, twin: Any, problems: list[str]) -> list[Line] | None:
    """Lines of one sheet, None where it is no return sheet."""
    from openpyxl.utils import get_column_letter

    for one in (sheet, twin):
        one.reset_dimensions()  # WPS may state a wrong extent
    limits = {"max_row": MAX_ROWS + 1, "max_col": MAX_COLUMNS, "values_only": True}
    columns: dict[int, str] = {}
    found: list[Line] = []
    for number, (row, raw) in enumerate(zip(sheet.iter_rows(**limits), twin.iter_rows(**limits), strict=True), 1):
        if not columns:
            if number > HEADER_DEPTH:
                return None
            columns = _header(row, f"{where}[{sheet.title}]", number, problems)
            continue
        if number > MAX_ROWS:
            problems.append(f"{where}[{sheet.title}]：超过 {MAX_ROWS} 行 / more than {MAX_ROWS} rows")
            break
        letters = {key: get_column_letter(at + 1) for at, key in columns.items()}
        texts = {key: as_text(row[at]) for at, key in columns.items() if at < len(row)}
        line = Line(where, sheet.title, number, texts, letters)
        for at, key in columns.items():
            formula = raw[at] if at < len(raw) else None
            if isinstance(formula, str) and formula.startswith("=") and not texts.get(key):
                problems.append(
                    f"{line.cell(key)}：公式没有存下结果，请改为数值 / a formula without a stored result: write the value"
                )
        if any(texts.values()):
            found.append(line)
    return found if columns else None


def _header(row: tuple[Any, ...], where: str, number: int, problems: list[str]) -> dict[int, str]:
    """Keys by column position where a row is the header, else nothing."""
    known = column_keys()
    named = {at: known[folded] for at, value in enumerate(row) if (folded := fold(as_text(value))) in known}
    if not set(NEEDED) <= set(named.values()):
        return {}
    fill = {key for key, *_ in FILL_COLUMNS} | {"doubt_id"}
    keys = list(named.values())
    problems += [
        f"{where} 第 {number} 行：“{key}”列出现两次 / row {number}: column {key} stands there twice"
        for key in sorted({key for key in keys if keys.count(key) > 1 and key in fill})
    ]
    return {at: key for at, key in named.items() if key in fill}


def as_text(value: Any) -> str:
    """A cell as text: whole numbers without a decimal point, at most `MAX_TEXT` characters, no control characters."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        value = value.isoformat()
    return "".join(one if one.isprintable() else " " for one in str(value)[:MAX_TEXT]).strip()
