"""The sheet 视线测量 of the field sheet; `ingest/sight_sheets.py` reads it back."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.ingest.field_columns import DATE_KEY, OBSTACLE_KEY, PHOTO_KEY, SIGHT_KEY, Field, load_sheet_words
from xiqing_space.ingest.fixed_xlsx import put_text
from xiqing_space.report.field_styles import HEADER_ROW, INTERNAL, RELATIVE, SYNTHETIC, FieldStyles, offer

SIGHT_SHEET = "视线测量"
# title, width, key
_INFO = (
    ("序号 no.", 5, "number"), (f"视线编号（勿改） id [{SIGHT_KEY}]", 18, "sightline_id"), (f"遮挡物编号（勿改） id [{OBSTACLE_KEY}]", 16, "obstacle_id"),
    ("遮挡物 what blocks", 11, "what"), ("遮挡物方位（自孩子处） where", 10, "obstacle_at"), ("道路 street", 16, "street"),
    ("孩子站在 where the child stands", 20, "stand"), ("经度 WGS-84 lon", 11, "lon"), ("纬度 WGS-84 lat", 10, "lat"),
    ("经度 GCJ-02（高德、腾讯） lon", 11, "gcj_lon"), ("纬度 GCJ-02（高德、腾讯） lat", 10, "gcj_lat"), ("学生 pupils", 8, "children"),
    ("停车视距 m needed", 8, "needed_m"), ("图上算得可见 m seen as drawn", 8, "seen_m"), ("所用默认高度 m default height", 8, "default_m"),
)  # fmt: skip
_END = (
    (f"照片编号 photo [{PHOTO_KEY}]", 12),
    (f"踏勘日期 date, 2026-03-01 [{DATE_KEY}]", 12),
    ("备注 remark [note]", 20),
)


def add_sight_sheet(
    book: Any, rows: pd.DataFrame, styles: FieldStyles, area: str, *, synthetic: bool, relative: bool
) -> None:
    """Put the sheet behind the others.

    Parameters
    ----------
    rows : DataFrame
        From `sight_items`.
    synthetic, relative : bool
        Whether all is invented; whether pupils are relative weights and no persons.
    """
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(SIGHT_SHEET)
    put_text(styles.put(sheet.cell(1, 1), "school"), f"{area} 视线测量 / lines of sight to measure")
    told = "按默认高度算，孩子（眼高 1.00 m）在路边看不见来车：待核实，不是结论 / by default heights: to be verified, no finding"
    put_text(sheet.cell(2, 1), f"{told}　{(RELATIVE + '　') if relative else ''}{INTERNAL}")
    put_text(
        sheet.cell(3, 1),
        (SYNTHETIC + "　" if synthetic else "") + "填法见第一张表 / how to fill it in: see the first sheet",
    )
    asked = [(f"{one.zh} {one.en} [{one.key}]", 15.0, one) for one in load_sheet_words().sights]
    columns: list[tuple[str, float, Field | None]] = [
        *((title, width, None) for title, width, _ in _INFO), *asked, *((title, width, None) for title, width in _END),
    ]  # fmt: skip
    for at, (title, width, _) in enumerate(columns, 1):
        put_text(styles.put(sheet.cell(HEADER_ROW, at), "title"), title)
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.row_dimensions[HEADER_ROW].height = 92
    for line, one in enumerate(rows.to_dict("records"), HEADER_ROW + 1):
        one["number"] = line - HEADER_ROW
        for at, (_, _, key) in enumerate(_INFO, 1):
            _put(styles.put(sheet.cell(line, at), "told"), one[key])
        for at in range(len(_INFO) + 1, len(columns) + 1):
            styles.put(sheet.cell(line, at), "asked")
        sheet.row_dimensions[line].height = 30
    offer(sheet, columns, max(len(rows), 1))
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 4)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 8
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"


def _put(cell: Any, value: Any) -> None:
    if isinstance(value, str):
        put_text(cell, value)
    elif value == value:  # what is missing stays empty
        cell.value = int(value) if isinstance(value, int) else round(float(value), 6)
