"""reports/tables.xlsx: cover, a sheet per table that a planner reads, and the dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.report.fast_book import SAMPLE, Book, clean
from xiqing_space.report.planner_tables import RunTables, Sheet, SheetColumn, left_out, planner_sheets, schema_column
from xiqing_space.schemas import TABLES

FILE = "tables.xlsx"
EXCEL_ROWS = 1_048_576
HEAD_ROW = 3  # from 0: headings, and below them the tables' own names
INTERNAL = "内部使用，未经地图审核不得公开 / For internal use; not to be published without map review"
_IN_GEOPACKAGE = {"cells": "reports/xiqing_space.gpkg", "cell_shares": "reports/xiqing_space.gpkg（cells）"}
_FORMS = {"percent": "0.0%", "count": "#,##0", "ha": "#,##0.00", "weight": "0.0000%", "persons": "[=0]0;[<10]0.0;#,##0",
          "ratio": "0.000", "minutes": "0.0", "plain": "#,##0.##", "text": "General"}  # fmt: skip
_VERDICT_FILLS = {
    "符合": "DCEBD9",
    "低于推荐值": "FFE9B8",
    "不符合强制条文": "F6CFC9",
    "待核": "ECECEC",
    "数据不足": "ECECEC",
}
_PAGE = 170  # widths of columns on a page, A4 across


@dataclass(frozen=True)
class BookFacts:
    """What the cover says of a run; `inputs` are the records of input files in run.json."""

    area: str
    title: str
    synthetic: bool
    source: str
    licence: str
    data_date: str
    metric_epsg: int
    organisation: str
    version: str
    run_key: str
    inputs: Sequence[dict[str, Any]] = field(default_factory=tuple)
    note: str = INTERNAL


def write_rows(book: Book, sheet: Any, table: Sheet, *, most: int = EXCEL_ROWS, full: str = "") -> int:
    """Headings in two lines and the rows below: frozen, filtered, repeated on each printed page.

    Parameters
    ----------
    most : int
        Rows that a sheet can hold, headings included; what is beyond is cut, and a note in the sheet says so.
    full : str
        Where all rows are.

    Returns
    -------
    int
        Rows that were cut.
    """
    first = HEAD_ROW + 2
    shown = min(len(table.rows), most - first)
    cut = len(table.rows) - shown
    head = book.format(bold=True, font_color="FFFFFF", bg_color="1F3A5F", text_wrap=True, align="center", valign="vcenter",
                       border=1, border_color="D5D2CB")  # fmt: skip
    below = book.format(font_size=8, font_color="5C5C5C", bg_color="EEF1F5", border=1, border_color="D5D2CB")
    for at, column in enumerate(table.columns):
        book.text(sheet, HEAD_ROW, at, f"{column.zh}\n（{column.unit}）" if column.unit else column.zh, head)
        book.text(sheet, HEAD_ROW + 1, at, column.name, below)
        sheet.set_column(at, at, column.width)
        _write_column(
            book, sheet, first, at, column.form, table.rows[column.name].to_numpy()[:shown], column.width >= 40
        )
    sheet.set_row(HEAD_ROW, 46)
    if cut:
        note = f"共 {len(table.rows):,} 行，本表只列前 {shown:,} 行，其余 {cut:,} 行见 {full} / the first {shown:,} of {len(table.rows):,} rows; all are in {full}"
        book.text(sheet, 2, 0, note, book.format(font_size=9, bold=True, font_color="9C1C1C"))
    if not len(table.rows):
        book.text(sheet, first, 0, "（没有记录 / no rows）", book.format(font_color="5C5C5C"))
    _fit_page(sheet, [column.width for column in table.columns], first + max(shown, 1) - 1)
    names = [column.name for column in table.columns]
    fixed = max(
        (names.index(name) + 1 for name in ("label_zh", "zone_name", "name", "owner_name") if name in names[:4]),
        default=1,
    )
    sheet.freeze_panes(first, fixed)
    sheet.repeat_rows(HEAD_ROW, HEAD_ROW + 1)
    sheet.autofilter(HEAD_ROW + 1, 0, max(first + shown - 1, first), len(table.columns) - 1)
    if "verdict" in names:
        _colour_verdicts(book, sheet, first, first + shown, names.index("verdict"))
    return cut


def _fit_page(sheet: Any, widths: Sequence[float], last: int) -> None:
    """Columns that fit a page in letters that can be read; ids and the like, further right, are not printed."""
    so_far = np.cumsum(widths)
    if so_far[-1] > _PAGE:
        sheet.set_paper(8)  # A3
        sheet.print_area(0, 0, last, max(int((so_far <= 1.6 * _PAGE).sum()) - 1, 0))


def _write_column(
    book: Book, sheet: Any, first: int, at: int, form: str | Sequence[str], values: Any, wrapped: bool
) -> None:
    """One column; a missing value leaves its cell empty. Formats are chosen by whole columns: cell by cell costs twice the time."""
    text_form = book.format(text_wrap=True, indent=1) if wrapped else book.format(indent=1)
    many = None if isinstance(form, str) else [book.format(num_format=_FORMS[one]) for one in form]
    one_form = book.format(num_format=_FORMS[form]) if isinstance(form, str) and form != "text" else text_form
    known: dict[str, str] = {}
    for row, value in enumerate(values.tolist()):
        if isinstance(value, str):
            bare = known.get(value)
            if bare is None:
                bare = known[value] = clean(value)
            if bare:
                sheet.write_string(first + row, at, bare, text_form)
        elif value is not None and value == value and value is not pd.NA:
            sheet.write_number(first + row, at, float(value), many[row] if many else one_form)


def _colour_verdicts(book: Book, sheet: Any, first: int, end: int, at: int) -> None:
    if end <= first:
        return
    for word, colour in _VERDICT_FILLS.items():
        rule = {
            "type": "cell",
            "criteria": "==",
            "value": f'"{word}"',
            "format": book.book.add_format({"bg_color": colour}),
        }
        sheet.conditional_format(first, at, end - 1, at, rule)


def write_workbook(run: RunTables, facts: BookFacts, path: Path, *, most: int = EXCEL_ROWS) -> dict[str, int]:
    """Write the workbook; the same tables give the same bytes.

    Parameters
    ----------
    run : RunTables
        Tables of the run; what it does not hold is absent from the workbook too.
    facts : BookFacts
        What the cover says.
    path : Path
        File to write.
    most : int
        Rows of a sheet, headings included.

    Returns
    -------
    dict of str to int
        Tables that were cut, and by how many rows.

    Raises
    ------
    OutputError
        The folder cannot be written, or the workbook is open in another program.
    """
    book = Book(path, SAMPLE if facts.synthetic else "", facts.note)
    tables = planner_sheets(run)
    cover = book.sheet("说明", facts.title or f"{facts.area} · 评估数据表 / tables of the assessment", facts.note)
    cuts: dict[str, int] = {}
    for table in tables:
        sheet = book.sheet(table.zh, f"{facts.area} · {table.zh}", table.note)
        full = "data/processed/quality.csv" if table.table == "quality" else f"data/processed/{table.table}.parquet"
        if cut := write_rows(book, sheet, table, most=most, full=full):
            cuts[table.table] = cut
    dictionary = book.sheet(
        "字段说明",
        f"{facts.area} · 字段说明 / dictionary of columns",
        "含义（英文）出自程序的数据表规范；空白格表示没有数据，原因见“说明”列",
    )
    write_rows(book, dictionary, dictionary_sheet(run, tables))
    _write_cover(book, cover, run, facts, tables, cuts)
    book.close()
    return cuts


def dictionary_sheet(run: RunTables, tables: Sequence[Sheet]) -> Sheet:
    """Every column of every table of the run: heading, unit, codes and meaning."""
    rows: list[tuple[str, ...]] = []
    for table in tables:
        for column in table.columns:
            known = schema_column(table.table, column.name)
            codes = run.words.codes(column.name, known.among) if known else ""
            rows.append(
                (table.zh, column.zh, column.name, column.unit, column.note, codes, known.meaning if known else "")
            )
    for name in left_out(run):
        for known in TABLES[name].columns:
            if name in run.frames and known.name not in run.frames[name]:
                continue
            zh, note = run.words.heading(name, known.name)
            rows.append((f"{run.words.table(name)[0]}（{name}）", zh, known.name, run.words.unit(known.unit), note,
                         run.words.codes(known.name, known.among), known.meaning))  # fmt: skip
    heads = (("sheet", "工作表（或数据表）", 22), ("heading", "中文列名", 24), ("column", "列名", 20), ("unit", "单位", 14),
             ("note", "解释", 40), ("codes", "取值", 44), ("meaning", "含义（英文）", 60))  # fmt: skip
    columns = tuple(SheetColumn(name, zh, "", "text", width) for name, zh, width in heads)
    frame = pd.DataFrame(rows, columns=[name for name, *_ in heads], dtype=object)
    return Sheet("字段说明", "dictionary", "", columns, frame)


_NOTES = (
    ("“服务半径（直线）”是条文口径，只有它带判定；“步行距离（沿路）”更严格，不作判定。",
     "The radius is the clause's own measure and the only one that carries a verdict; the walk is stricter and carries none."),
    ("空白表示没有数据或待核，绝不等于 0；原因见各表“说明”列。",
     "An empty cell is missing or to be verified, never zero; the reason stands beside it."),
    ("米是标准的口径，分钟按各年龄段步速折算，二者不可混用。",
     "Metres belong to the standard, minutes to a child's pace: the two are never mixed."),
    ("可达不等于有学位、有托位，也不等于路上安全；盲区不是选址建议。",
     "Reach is neither a place for the child nor a safe way; blind spots are no site proposals."),
)  # fmt: skip
_RELATIVE = ("本次人口为相对权重（按住宅建筑面积推算）：只表示比例，不代表人数。",
             "People are relative weights from homes' floor area in this run: shares, never persons.")  # fmt: skip


def _write_cover(
    book: Book, sheet: Any, run: RunTables, facts: BookFacts, tables: Sequence[Sheet], cuts: dict[str, int]
) -> None:
    strong, plain = book.format(bold=True), book.format(text_wrap=True)
    small = book.format(font_size=9, font_color="5C5C5C", text_wrap=True)
    title = book.format(bold=True, font_size=12, font_color="1F3A5F")
    for at, width in enumerate((26, 40, 34, 16, 22)):
        sheet.set_column(at, at, width)
    line = 3
    register = (
        ("评估范围 / area", facts.area), ("编制单位 / made by", facts.organisation), ("数据来源 / source", facts.source),
        ("数据日期 / data date", facts.data_date or "未注明 / not stated"), ("许可 / licence", facts.licence),
        ("量算坐标系 / measured in", f"EPSG:{facts.metric_epsg}"), ("程序版本 / version", f"xiqing_space {facts.version}"),
        ("运行编号 / run", f"{facts.run_key}（证据编号 evidence_id 的出处见 data/processed/run.json）"),
    )  # fmt: skip
    for head, value in register:
        if value:
            book.text(sheet, line, 0, head, strong)
            book.text(sheet, line, 1, value, book.format())
            line += 1
    book.text(sheet, line + 1, 0, "读表须知 / how to read", title)
    line += 2
    for zh, en in (*((_RELATIVE,) if run.relative else ()), *_NOTES):
        book.text(sheet, line, 0, f"· {zh}", book.format())
        book.text(sheet, line + 1, 0, f"  {en}", book.format(font_size=9, font_color="5C5C5C"))
        line += 2
    line = _cover_table(book, sheet, line + 1, "工作表 / sheets", ("工作表", "内容", "数据表", "行数"),
                        [(one.zh, one.note, _origin(one.table), len(one.rows), cuts.get(one.table, 0)) for one in tables])  # fmt: skip
    away = [(run.words.table(name)[0], run.words.table(name)[1], _IN_GEOPACKAGE.get(name, f"data/processed/{name}.parquet"), len(run.frames[name]) if name in run.frames else None, 0)
            for name in left_out(run)]  # fmt: skip
    if away:
        head = "未列入本工作簿的大表（每处住宅、每段道路一行）/ large tables that are not in this workbook"
        line = _cover_table(book, sheet, line + 1, head, ("数据表", "内容", "位置", "行数"), away)
    inputs = [
        (one["role"], one["file"], one["sha256"], one.get("date") or "", one.get("licence") or "")
        for one in facts.inputs
    ]
    book.text(sheet, line + 1, 0, "输入文件 / input files", title)
    line += 2
    for at, head in enumerate(("用途 / role", "文件 / file", "SHA-256（前 16 位）", "日期 / date", "许可 / licence")):
        book.text(sheet, line, at, head, strong)
    for row in inputs:
        line += 1
        for at, value in enumerate(row):
            book.text(sheet, line, at, value[:16] if at == 2 else value, small if at else plain)
    sheet.freeze_panes(2, 0)


def _origin(table: str) -> str:
    return {"quality": "data/processed/quality.csv", "bridge_summary": "bridge"}.get(
        table, f"data/processed/{table}.parquet"
    )


def _cover_table(
    book: Book,
    sheet: Any,
    line: int,
    title: str,
    heads: Sequence[str],
    rows: Sequence[tuple[str, str, str, int | None, int]],
) -> int:
    """A list of sheets or tables on the cover; names of sheets lead there. Returns the line after it."""
    book.text(sheet, line, 0, title, book.format(bold=True, font_size=12, font_color="1F3A5F"))
    for at, head in enumerate(heads):
        book.text(sheet, line + 1, at, head, book.format(bold=True))
    line += 2
    names = set(book.book.sheetnames)
    wrap = book.format(text_wrap=True)
    for zh, note, place, count, cut in rows:
        if zh in names:
            sheet.write_url(line, 0, f"internal:'{zh}'!A1", book.format(font_color="1F5FA8", underline=1), string=zh)
        else:
            book.text(sheet, line, 0, zh, wrap)
        book.text(sheet, line, 1, note + (f"（已截去 {cut:,} 行）" if cut else ""), wrap)
        book.text(sheet, line, 2, place, wrap)
        if count is not None:
            sheet.write_number(line, 3, count, book.format(num_format="#,##0"))
        line += 1
    return line
