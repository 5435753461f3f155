"""Workbooks: XLSX through openpyxl and XLS through xlrd, each sheet as a grid of text. Nothing in them is evaluated."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import warnings
import zipfile
from typing import Any
from xml.parsers import expat

from xiqing_space.errors import InputDataError
from xiqing_space.ingest.cells import BYTES_LIMIT, Fault, Grid

RATIO_LIMIT = 200  # how many times larger than in the file a member of a zip may be
MEMBERS_LIMIT = 10_000
PART_LIMIT = (
    30_000_000  # bytes of a part that is no sheet, text store or picture: a list's styles take a hundredth of it
)
_SMALL = 1_000_000  # bytes; below this a high ratio is common (empty style tables) and harmless
_SAVE_XLSX = "用 Excel 或 WPS 打开并另存为 .xlsx / open it in Excel or WPS and save it as .xlsx"
ERROR_WORDS = ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA")


def broken(where: str, what: str, error: Exception | None = None) -> InputDataError:
    """The file is damaged or no workbook at all."""
    detail = f"（{type(error).__name__}）" if error else ""
    return InputDataError(
        f"文件已损坏，或不是真正的 {what} 文件{detail} / the file is damaged or no real {what} file",
        where=where,
        todo=_SAVE_XLSX,
    )


def check_zip(data: bytes, where: str) -> set[str]:
    """Names of the members of a zipped workbook, after their sizes were looked at without unpacking anything.

    Raises
    ------
    InputDataError
        Damaged, encrypted, more than `BYTES_LIMIT` unpacked, a member packed more than `RATIO_LIMIT` times, or a
        part other than sheets, texts and pictures of more than `PART_LIMIT`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except Exception as error:
        raise broken(where, "xlsx", error) from error
    total = sum(one.file_size for one in members)
    packed = [
        one for one in members if one.file_size > _SMALL and one.file_size > RATIO_LIMIT * max(one.compress_size, 1)
    ]
    packed += [
        one
        for one in members
        if one.file_size > PART_LIMIT
        and not re.match(r"xl/(worksheets/|media/|drawings/|sharedStrings\.xml)", one.filename)
    ]
    if total > BYTES_LIMIT or packed or len(members) > MEMBERS_LIMIT:
        raise InputDataError(
            f"压缩包展开后过大（{total / 1e6:,.0f} MB，{len(members)} 个文件），疑为压缩炸弹，未打开"
            f" / unpacked, the file would be too large ({total / 1e6:,.0f} MB in {len(members)} members); it was not opened",
            where=where,
            todo="新建一个工作簿，只粘贴需要的表的数值 / paste only the values of the table into a new workbook",
        )
    if any(one.flag_bits & 1 for one in members):
        raise InputDataError(
            "压缩包有密码 / the file is protected by a password",
            where=where,
            todo="去掉密码后另存 / save it without password",
        )
    return {one.filename for one in members}


class _RootReached(Exception):  # noqa: N818 - no error: the prolog was harmless
    pass


def _refuse_doctypes(archive: zipfile.ZipFile, where: str) -> None:
    """No part of a workbook has a document type; one that does wants entities expanded or files fetched."""

    def refuse(*_: object) -> None:
        raise InputDataError(
            "文件内含 XML 文档类型声明（DTD），不是正常的工作簿，未打开 / the file holds an XML document type: no normal workbook",
            where=where,
            todo=_SAVE_XLSX,
        )

    def reached(*_: object) -> None:
        raise _RootReached

    for name in archive.namelist():
        if not name.lower().endswith((".xml", ".rels", ".vml")):
            continue
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = refuse
        parser.StartElementHandler = reached
        with archive.open(name) as part:
            try:
                while chunk := part.read(65_536):
                    parser.Parse(chunk, False)
            except _RootReached:
                continue


def _number(value: float) -> str:
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def _date(value: dt.date | dt.time | dt.timedelta) -> str:
    if isinstance(value, dt.datetime) and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        return value.date().isoformat()
    return str(value) if isinstance(value, dt.timedelta) else value.isoformat()


def _as_text(value: Any, number_format: str = "") -> str:
    """A cell's value as text; a code shown with leading zeros keeps them, a share shown in per cent its sign."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        if "%" in re.sub(r'"[^"]*"|\\.', "", number_format):  # a share is no count: it is read as what is shown, 3.2%
            return f"{_number(round(value * 100, 9))}%"
        zeros = re.fullmatch(r"0{2,20}", number_format)
        return _number(value).zfill(len(number_format)) if zeros else _number(value)
    return _date(value) if isinstance(value, (dt.date, dt.time, dt.timedelta)) else str(value)


def _error_fault(row: int, column: int, word: str) -> Fault:
    return Fault(row, column, f"单元格是错误值 {word}", f"the cell holds the error {word}")


def read_xlsx_grids(data: bytes, where: str) -> list[Grid]:
    """Every sheet of an XLSX. Formulas give their stored values; macros, links and pictures are ignored.

    Raises
    ------
    InputDataError
        Zip bombs, document types, damaged files, too many rows or columns.
    """
    from openpyxl import load_workbook

    check_zip(data, where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about decorations that openpyxl leaves out
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                _refuse_doctypes(archive, where)
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            try:
                return [_xlsx_grid(book, sheet, where) for sheet in book.worksheets]
            finally:
                book.close()
        except InputDataError:
            raise
        except Exception as error:  # whatever a damaged file makes of the parser
            raise broken(where, "xlsx", error) from error


def _xlsx_grid(book: Any, sheet: Any, where: str) -> Grid:
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    grid = Grid(sheet.title)
    no_value: set[tuple[int, int]] = set()

    class Parser(WorkSheetParser):
        """openpyxl's own parser, which also says where a formula has no stored value."""

        def parse_cell(self, element: Any) -> Any:
            cell = super().parse_cell(element)
            if cell["value"] is None and element.find(FORMULA_TAG) is not None and cell["data_type"] != "str":
                no_value.add((cell["row"], cell["column"] - 1))
            return cell

    formats: dict[int, str] = {}
    cut: list[tuple[int, str]] = []
    with sheet._get_source() as source:
        parser = Parser(source, sheet._shared_strings, data_only=True, epoch=book.epoch,
                        date_formats=book._date_formats, timedelta_formats=book._timedelta_formats)  # fmt: skip
        for _, cells in parser.parse():
            for cell in cells:
                value, row, column = cell["value"], cell["row"], cell["column"] - 1
                if value is None:
                    continue
                style = cell["style_id"]
                if style and style not in formats:
                    formats[style] = _format_of(book, style)
                if _is_cut(value):
                    cut.append((row, f"{int(value)}"))
                if cell["data_type"] == "e":
                    grid.faults.append(_error_fault(row, column, str(value)[:20]))
                else:
                    grid.put(where, row, column, _as_text(value, formats.get(style, "")))
    grid.faults += [
        Fault(row, column, "公式没有已保存的计算结果", "the formula has no stored value")
        for row, column in sorted(no_value)
    ]
    if parser.merged_cells is not None:
        for one in parser.merged_cells.mergeCell:
            low_column, low_row, high_column, high_row = one.min_col, one.min_row, one.max_col, one.max_row
            grid.merges.append((low_row, low_column - 1, high_row, high_column - 1))
    hidden = [int(row) for row, about in parser.row_dimensions.items() if about.get("hidden") in ("1", "true")]
    _note_hidden(grid, hidden, sheet.sheet_state != "visible")
    _note_cut(grid, cut)
    return grid


def _is_cut(value: Any) -> bool:
    """Whether a number has more digits than the 15 that Excel keeps: a code that was typed in as a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 1e15 <= abs(value) < 1e30


def _note_cut(grid: Grid, cut: list[tuple[int, str]]) -> None:
    if cut:
        grid.notes.append(("digits_cut", cut[0][0], {"n": str(len(cut)), "value": cut[0][1][:30]}))


def _format_of(book: Any, style: int) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    number = book._cell_styles[style].numFmtId
    if number < BUILTIN_FORMATS_MAX_SIZE:
        return str(BUILTIN_FORMATS.get(number, ""))
    return str(book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE])


def _note_hidden(grid: Grid, rows: list[int], sheet_hidden: bool) -> None:
    full = [row for row in rows if row in grid.rows]
    if full:
        grid.notes.append(("rows_hidden", min(full), {"n": str(len(full))}))
    if sheet_hidden:
        grid.notes.append(("sheet_hidden", 0, {"sheet": grid.name}))


def read_xls_grids(data: bytes, where: str) -> list[Grid]:
    """Every sheet of an XLS (Excel 97–2003, or WPS .et in that format).

    A formula that was never calculated cannot be told from one whose result is 0: the format stores a value for each.

    Raises
    ------
    InputDataError
        Encrypted or damaged files, too many rows or columns.
    """
    import xlrd

    if len(data) > BYTES_LIMIT // 4:
        raise InputDataError(
            f".xls 文件过大（{len(data) / 1e6:,.0f} MB） / the .xls file is too large", where=where, todo=_SAVE_XLSX
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
            return [_xls_grid(book, sheet, where) for sheet in book.sheets()]
        except InputDataError:
            raise
        except Exception as error:
            if "encrypted" in str(error).lower():
                raise password(where) from error
            raise broken(where, "xls", error) from error


def password(where: str) -> InputDataError:
    """The workbook is encrypted."""
    return InputDataError(
        "工作簿有打开密码 / the workbook is protected by a password",
        where=where,
        todo="用 Excel 或 WPS 打开，去掉密码后另存为 .xlsx / open it, remove the password, save it as .xlsx",
    )


def _xls_grid(book: Any, sheet: Any, where: str) -> Grid:
    from xlrd import XL_CELL_BOOLEAN, XL_CELL_DATE, XL_CELL_ERROR, XL_CELL_NUMBER, XL_CELL_TEXT, error_text_from_code
    from xlrd.xldate import XLDateError, xldate_as_datetime

    grid = Grid(sheet.name)
    cut: list[tuple[int, str]] = []
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            kind, value = sheet.cell_type(row, column), sheet.cell_value(row, column)
            if kind == XL_CELL_TEXT:
                text = value
            elif kind == XL_CELL_NUMBER:
                if _is_cut(value):
                    cut.append((row + 1, f"{int(value)}"))
                shown = book.format_map.get(book.xf_list[sheet.cell_xf_index(row, column)].format_key)
                text = _as_text(value, shown.format_str if shown else "")
            elif kind == XL_CELL_DATE:
                try:
                    text = _as_text(xldate_as_datetime(value, book.datemode))
                except (XLDateError, ValueError, OverflowError):
                    grid.faults.append(_error_fault(row + 1, column, f"日期 / date {value:g}"))
                    continue
            elif kind == XL_CELL_BOOLEAN:
                text = _as_text(bool(value))
            elif kind == XL_CELL_ERROR:
                grid.faults.append(_error_fault(row + 1, column, error_text_from_code.get(value, "#?")))
                continue
            else:
                continue
            grid.put(where, row + 1, column, text)
    grid.merges = [(low + 1, left, high, right - 1) for low, high, left, right in sheet.merged_cells]
    hidden = [row + 1 for row, about in sheet.rowinfo_map.items() if about.hidden]
    _note_hidden(grid, hidden, sheet.visibility != 0)
    _note_cut(grid, cut)
    return grid
