"""待确认匹配表.xlsx: the matcher's questions to the office that knows; `match_answers` reads them back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.fixed_xlsx import put_text, save_fixed
from xiqing_space.ingest.matching import CANDIDATE_COLUMNS, ROW_COLUMNS, check_columns

WORKBOOK = "待确认匹配表.xlsx"
ASK_SHEET, ACCEPTED_SHEET, NOTES_SHEET = "待确认", "已采用", "说明"
CHOICES = ("1", "2", "3", "都不是", "暂不确定")
_LINE_POINTS = 14.5  # height of a line of text
DATUMS = ("WGS-84", "GCJ-02", "BD-09", "CGCS2000")
# header, width, key; the key in brackets is how a column is found again, wherever it was moved
_COLUMNS = (
    ("名录行号 [row_id]", 16, "row_id"), ("名录名称 [row_name]", 30, "row_name"), ("名录地址 [row_address]", 26, "row_address"),
    ("街镇 [row_zone]", 12, "row_zone"), ("类别 [row_kind]", 14, "row_kind"), ("候选序号 [rank]", 9, "rank"),
    ("候选名称 [name]", 30, "name"), ("候选地址 [address]", 26, "address"), ("候选来源 [source]", 14, "source"),
    ("得分 [score]", 8, "score"), ("理由 [why]", 44, "why"), ("候选经度 WGS-84 [candidate_lon]", 13, "candidate_lon"),
    ("候选纬度 WGS-84 [candidate_lat]", 13, "candidate_lat"),
)  # fmt: skip
_ASK_END = (
    ("选择 [choice]", 11, "choice"), ("经度 [lon]", 13, "lon"), ("纬度 [lat]", 13, "lat"), ("坐标系 [datum]", 11, "datum"),
    ("备注 [note]", 26, "note"),
)  # fmt: skip
_ACCEPTED_END = (("撤销 [revoke]", 9, "revoke"), ("备注 [note]", 26, "note"))
_HIDDEN_END = (("候选编号 [candidate_id]", 20, "candidate_id"), ("校验码 [fingerprint]", 20, "fingerprint"))
_READ_ME = (
    ("本表列出不能自动认定位置的名录行。", "This workbook lists the rows of your lists whose place is not certain."),
    (f"“{ASK_SHEET}”：每行名录有至多三个候选（候选序号 1–3）。在“选择”列填 1、2、3、都不是 或 暂不确定；填在该名录行的任一行即可。",
     f"Sheet {ASK_SHEET}: up to three candidates for each row. Put 1, 2, 3, 都不是 (none of them) or 暂不确定 (not sure) into 选择, "
     "on any line of that row."),
    ("三个都不对而知道位置时，填“经度”“纬度”和“坐标系”。高德、腾讯地图为 GCJ-02，百度地图为 BD-09，天地图为 CGCS2000。",
     "Where none is right and you know the place, fill in 经度, 纬度 and 坐标系: Amap and Tencent are GCJ-02, Baidu BD-09, Tianditu CGCS2000."),
    (f"“{ACCEPTED_SHEET}”：已自动采用的匹配。认为不对的，在“撤销”列填 是。",
     f"Sheet {ACCEPTED_SHEET}: matches taken without asking. Put 是 into 撤销 to take one back."),
    ("可以排序、筛选、删去不需要的行；请勿改动“名录行号”“候选编号”“校验码”列。未填的行保持“位置待核”，仍计入总数。",
     "Sort and filter as you like; do not change row_id, candidate_id or fingerprint. Rows left open stay \"to be verified\" "
     "and count in every total."),
)  # fmt: skip


def fingerprint(*values: object) -> str:
    """Eight characters that change with the content of a row."""
    text = "\x1f".join(value if isinstance(value, str) else "" for value in values)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def row_print(row: Any) -> str:
    """Fingerprint of a row of the list."""
    return fingerprint(row.name, row.address, row.zone, row.kind)


def place_print(place: Any) -> str:
    """Fingerprint of a candidate: its name, address, kind and position."""
    at = "" if not (np.isfinite(place.lon) and np.isfinite(place.lat)) else f"{place.lon:.6f},{place.lat:.6f}"
    return fingerprint(place.name, place.address, place.kind, at)


def by_id(frame: pd.DataFrame, columns: Sequence[str], key: str) -> dict[str, Any]:
    """Rows of a checked frame by id; each has its columns as attributes, the id as `id`."""
    frame = check_columns(frame, columns, key, key)[list(columns)]
    named = frame.rename(columns={key: "id"})
    return {str(one.id): one for one in named.itertuples(index=False, name="Item")}


def write_match_workbook(path: Path, matches: pd.DataFrame, rows: pd.DataFrame, candidates: pd.DataFrame) -> Path:
    """Write the questions; the same questions give the same bytes.

    Parameters
    ----------
    path : Path
        Where to write; the folder exists.
    matches : DataFrame
        As `matching.match_list` gives it.
    rows, candidates : DataFrame
        What was matched; coordinates in WGS-84 degrees.
    """
    from openpyxl import Workbook

    by_row, by_place = by_id(rows, ROW_COLUMNS, "row_id"), by_id(candidates, CANDIDATE_COLUMNS, "candidate_id")
    book = Workbook()
    notes = book.active
    notes.title = NOTES_SHEET
    notes.column_dimensions["A"].width = 110
    for line, text in enumerate([one for pair in _READ_ME for one in pair], 1):
        put_text(notes.cell(line, 1), text)
    asked = book.create_sheet(ASK_SHEET)
    taken = book.create_sheet(ACCEPTED_SHEET)
    open_lines = matches[matches["decided"] != "accepted"]
    kept_lines = matches[(matches["decided"] == "accepted") & (matches["rank"] == 1)]
    _fill(asked, (*_COLUMNS, *_ASK_END, *_HIDDEN_END), open_lines, by_row, by_place)
    _fill(taken, (*_COLUMNS, *_ACCEPTED_END, *_HIDDEN_END), kept_lines, by_row, by_place)
    _offer(asked, "choice", CHOICES)
    _offer(asked, "datum", DATUMS)
    _offer(taken, "revoke", ("是",))
    book.active = 1
    return save_fixed(book, path)


def _fill(sheet: Any, columns: Sequence[tuple[str, int, str]], lines: pd.DataFrame, rows: Any, places: Any) -> None:
    """Header and lines of a sheet; blocks of one row are told apart by a line above."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    kinds = load_catalogue().kinds
    wrapped = Alignment(wrap_text=True, vertical="top")
    answer = PatternFill("solid", fgColor="FFF4CC")
    for at, (title, width, _) in enumerate(columns, 1):
        put_text(sheet.cell(1, at), title)
        sheet.cell(1, at).font = Font(bold=True)
        sheet.cell(1, at).alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
        sheet.column_dimensions[get_column_letter(at)].width = width
    _to_print(sheet)
    sheet.row_dimensions[1].height = _LINE_POINTS * max(_lines(title, width) for title, width, _ in columns) + 4
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{max(len(lines) + 1, 2)}"
    rule, before = Border(top=Side(style="thin")), None
    for line, match in enumerate(lines.itertuples(index=False), 2):
        row = rows[str(match.row_id)]
        place = places.get(str(match.candidate_id)) if isinstance(match.candidate_id, str) else None
        values: dict[str, Any] = {
            "row_id": row.id, "row_name": row.name, "row_address": row.address, "row_zone": row.zone,
            "row_kind": kinds[row.kind].zh if row.kind in kinds else row.kind,
            "rank": int(match.rank), "score": match.score, "why": match.why,
            "fingerprint": f"{row_print(row)}-{place_print(place) if place else ''}",
        }  # fmt: skip
        if place is not None:
            values |= {"name": place.name, "address": place.address, "source": place.source, "candidate_id": place.id,
                       "candidate_lon": place.lon, "candidate_lat": place.lat}  # fmt: skip
        for at, (_, _, key) in enumerate(columns, 1):
            cell, value = sheet.cell(line, at), values.get(key)
            cell.alignment = wrapped
            if isinstance(value, str):
                put_text(cell, value)
            elif isinstance(value, (int, float)) and np.isfinite(value):
                cell.value = round(float(value), 7) if key != "rank" else value
            if key in ("choice", "lon", "lat", "datum", "note", "revoke"):
                cell.fill = answer
            if match.row_id != before:
                cell.border = rule
        before = match.row_id
        texts = ((values.get(key), width) for _, width, key in columns)
        most = max(_lines(text, width) for text, width in texts if isinstance(text, str))
        sheet.row_dimensions[line].height = _LINE_POINTS * most + 3


def _to_print(sheet: Any) -> None:
    """A3 across, all columns on one page, the header on each."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 8
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _lines(text: str, width: int) -> int:
    """Lines that a text takes in a column of so many characters; a Chinese one takes two places."""
    places = len(text) + sum(one > "\u2e7f" for one in text)
    return max(1, math.ceil(places * 1.1 / (width - 1)))


def _offer(sheet: Any, key: str, options: Sequence[str]) -> None:
    """Offer a column's answers as a list."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    at = next(cell.column for cell in sheet[1] if str(cell.value).endswith(f"[{key}]"))
    check = DataValidation(type="list", formula1=f'"{",".join(options)}"', allow_blank=True, showErrorMessage=True)
    check.error = "请从列表中选择 / choose from the list"
    letter = get_column_letter(at)
    check.add(f"{letter}2:{letter}{max(sheet.max_row, 2)}")
    sheet.add_data_validation(check)
