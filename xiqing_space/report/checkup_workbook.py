"""reports/data_checkup.xlsx: how to fill it in, the lights, and one return sheet per department."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog.checkup import Department
from xiqing_space.ingest.fixed_xlsx import put_text as put_any_text
from xiqing_space.ingest.fixed_xlsx import save_fixed
from xiqing_space.ingest.survey_columns import CHOICES, FILL_COLUMNS, INFO_COLUMNS
from xiqing_space.report.checkup import Checkup

FILE = "data_checkup.xlsx"
HEADER_ROW = 3
MAX_TEXT = 2000
put_text = partial(put_any_text, longest=MAX_TEXT, kept="\n")
FONT = "Microsoft YaHei"
_INK, _HEAD, _FILL, _RED = "222222", "1F3A5F", "FFF4CC", "9C1C1C"
_LINE_POINTS = 14.5  # height of a line of 10 points
LIGHT_FILLS = {"usable": "DCEBD9", "gaps": "FFE9B8", "contradictions": "F6CFC9"}
LIGHT_MARKS = {"usable": "●", "gaps": "▲", "contradictions": "■"}
_INFO_WIDTHS = {
    "doubt_id": 15,
    "owner_id": 16,
    "name": 24,
    "kind": 14,
    "zone": 12,
    "ask": 52,
    "current": 22,
    "evidence": 24,
}
_FILL_WIDTHS = {"answer": 9, "what": 10, "value": 20, "status": 9, "operator": 11, "capacity_places": 9, "lon": 12, "lat": 12,
                "datum": 11, "note": 22, "organisation": 16}  # fmt: skip
_COVER = (
    ("这本工作簿是什么", "What this is"),
    ("程序检查了各单位提供的数据和地图数据，发现的疑点按单位分表列出，请各单位核实后退回。",
     "The data of departments and maps were checked; what is in doubt stands on one sheet per department, to be confirmed and sent back."),
    ("怎样填写", "How to fill it in"),
    ("1. 只填黄色栏。“答复”选 属实、有误 或 不清楚；“请核实的内容”写明各答复的含义。",
     "1. Fill in the yellow cells only. 答复: 属实 (so it is), 有误 (it is not) or 不清楚 (not known); 请核实的内容 says what each means."),
    ("2. 有误的，请给出正确内容：状态、性质、学位数填在各自的栏；名称、类别先选“更正项目”，再填“更正值”。",
     "2. Where it is not so, give what is right: 状态, 性质 and 学位数 have cells of their own; for a name or kind choose 更正项目 and fill in 更正值."),
    ("3. 位置有误的，填经度、纬度（十进制度）并注明坐标系：高德、腾讯地图为 GCJ-02，百度地图为 BD-09，天地图为 CGCS2000。",
     "3. For a wrong place give longitude and latitude in decimal degrees and their datum: Amap and Tencent GCJ-02, Baidu BD-09, Tianditu CGCS2000."),
    ("4. “填报单位”只写单位名称。请勿填写个人姓名、电话或儿童信息。",
     "4. 填报单位 is the office alone. No names of persons, telephone numbers or data on children, please."),
    ("5. 可以排序、筛选、删去他单位的表或行。请勿改动“疑点编号”。未填的行视为尚未答复，不受影响。",
     "5. Sort, filter, delete other departments' sheets as you like; leave 疑点编号 as it is. Rows left empty count as not answered yet."),
    ("怎样退回", "How to return it"),
    ("存为 .xlsx 退回编制单位。编制单位把它放进 data/raw，写入设置的 [survey] sheets，再次体检即读入；可分次、分单位退回。",
     "Save it as .xlsx and send it back. The office that runs the check puts it into data/raw, names it in [survey] sheets of the configuration and checks again. Parts may come at any time."),
)  # fmt: skip


def write_checkup_workbook(checkup: Checkup, path: Path) -> Path:
    """Write the workbook; the same check-up gives the same bytes.

    Raises
    ------
    OutputError
        The folder cannot be written, or the workbook is open in another program.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    departments = [
        (one, rows) for one in checkup.rules.departments
        if len(rows := checkup.returns[checkup.returns["department"] == one.id])
    ]  # fmt: skip
    _write_cover(book, checkup, departments)
    _write_summary(book, checkup)
    if checkup.completeness is not None:
        _write_streets(book, checkup, checkup.completeness)
    if checkup.counts is not None:
        _write_counts(book, checkup, checkup.counts)
    for department, rows in departments:
        _write_return(book, checkup, department, rows)
    _write_doubts(book, checkup)
    if checkup.tally("settled"):
        _write_settled(book, checkup)
    return save_fixed(book, path)


def _sheet(book: Any, checkup: Checkup, name: str, title: tuple[str, str], note: str = "") -> Any:
    """A new sheet with its title, the sample's label, and how it prints."""
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", name)[:31])
    label = "【示例数据 / synthetic sample】" if checkup.synthetic else ""
    head = put_text(sheet.cell(1, 1), f"{label}{checkup.area} · {title[0]} / {title[1]}")
    head.font = Font(name=FONT, size=14, bold=True, color=_RED if checkup.synthetic else _INK)
    sheet.row_dimensions[1].height = 26
    head.alignment = Alignment(vertical="center")
    if note:
        below = put_text(sheet.cell(2, 1), note)
        below.font = Font(name=FONT, size=9, color="5C5C5C")
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.6
    sheet.page_margins.header = sheet.page_margins.footer = 0.25
    sheet.oddFooter.left.text = "示例数据 synthetic sample" if checkup.synthetic else "数据体检 data check-up"
    sheet.oddFooter.right.text = "&P / &N"
    return sheet


def _table(
    sheet: Any,
    heads: Sequence[str],
    widths: Sequence[float],
    rows: Sequence[Sequence[Any]],
    *,
    top: int = HEADER_ROW,
    fills: int = 0,
) -> None:
    """A header and its rows: frozen, filtered, repeated on every printed page. None leaves a cell empty.

    The last `fills` columns are yellow: to be filled in.
    """
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    thin = Side(style="thin", color="D5D2CB")
    border = Border(left=thin, right=thin, top=thin, bottom=thin)
    fill, font = PatternFill("solid", fgColor=_HEAD), Font(name=FONT, size=10, bold=True, color="FFFFFF")
    body = Font(name=FONT, size=10, color=_INK)
    middle = Alignment(wrap_text=True, vertical="center", horizontal="center")
    wrapped = Alignment(wrap_text=True, vertical="top")
    for at, (head, width) in enumerate(zip(heads, widths, strict=True), 1):
        cell = put_text(sheet.cell(top, at), head)
        cell.font, cell.fill, cell.alignment, cell.border = font, fill, middle, border
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.row_dimensions[top].height = 34
    # a style put together once and copied: to set its parts on each of 100,000 cells takes ten times as long
    sample = sheet.cell(top + 1, 1)
    sample.font, sample.alignment, sample.border = body, wrapped, border
    plain = copy(sample._style)
    sample.fill = PatternFill("solid", fgColor=_FILL)
    filled = copy(sample._style)
    sample._style = copy(plain)
    for line, row in enumerate(rows, top + 1):
        for at, value in enumerate(row, 1):
            cell = sheet.cell(line, at)
            cell._style = copy(filled if at > len(heads) - fills else plain)
            if isinstance(value, str):
                put_text(cell, value)
            elif value is not None and not pd.isna(value):
                cell.value = value
        sheet.row_dimensions[line].height = _height(row, widths)
    sheet.freeze_panes = sheet.cell(top + 1, 1)
    sheet.auto_filter.ref = f"A{top}:{get_column_letter(len(heads))}{max(top + len(rows), top + 1)}"
    sheet.print_title_rows = f"{top}:{top}"


def _height(row: Sequence[Any], widths: Sequence[float]) -> float:
    """Points that the wrapped texts of a row need: not every program fits rows to their text when it opens a file."""
    lines = 1
    for value, width in zip(row, widths, strict=True):
        if isinstance(value, str):
            lines = max(lines, sum(_lines(part, width) for part in value[:MAX_TEXT].split("\n")))
    return min(_LINE_POINTS * lines + 3, 409.0)  # the most that Excel takes


def _lines(text: str, width: float) -> int:
    """Lines that a text takes in a column of so many characters: a Chinese one takes two places."""
    places = len(text) + sum(one > "\u2e7f" for one in text)
    return max(1, math.ceil(places * 1.1 / (width - 1)))


def _head(checkup: Checkup, word: str) -> str:
    return "\n".join(checkup.catalogue.word(word))


def _both(checkup: Checkup, word: str) -> str:
    return " / ".join(checkup.catalogue.word(word))


def _write_cover(book: Any, checkup: Checkup, departments: Sequence[tuple[Department, pd.DataFrame]]) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = _sheet(book, checkup, "说明", ("数据体检与核实回执", "Data check-up and return sheets"))
    sheet.column_dimensions["A"].width = 50
    sheet.column_dimensions["B"].width = 84
    sheet.page_setup.orientation = "portrait"
    line = 3
    for zh, en in _COVER:
        heading = len(zh) < 10
        for text, colour in ((zh, _INK), (en, "5C5C5C")):
            cell = put_text(sheet.cell(line, 1), f"{zh} / {en}" if heading else text)
            sheet.merge_cells(start_row=line, start_column=1, end_row=line, end_column=2)
            cell.font = Font(name=FONT, size=12 if heading else 10, bold=heading, color=_HEAD if heading else colour)
            cell.alignment = Alignment(wrap_text=True, vertical="center")
            sheet.row_dimensions[line].height = 26 if heading else 18 if text == zh else 30
            line += 1
            if heading:
                break
    line += 1
    put_text(sheet.cell(line, 1), "请以下单位核实 / Asked").font = Font(name=FONT, size=12, bold=True, color=_HEAD)
    for one, rows in departments:
        line += 1
        name = put_text(sheet.cell(line, 1), f"{one.zh} / {one.en}")
        name.font, name.alignment = Font(name=FONT, size=10, bold=True), Alignment(wrap_text=True, vertical="top")
        sheet.cell(line, 2).font = Font(name=FONT, size=10)
        put_text(sheet.cell(line, 2), f"{len(rows)} 项 / {len(rows)} rows")
    if not departments:
        put_text(sheet.cell(line + 1, 1), _both(checkup, "checkup_no_doubts"))


def _write_summary(book: Any, checkup: Checkup) -> None:
    from openpyxl.styles import Font, PatternFill

    sheet = _sheet(book, checkup, "体检总表", checkup.catalogue.word("checkup_title"), _changes_line(checkup))
    words = ("source", "role", "light", "rows", "date", "licence", "datum", "main_doubts")
    heads = [_head(checkup, f"checkup_{word}") if word not in ("role", "light") else text for word, text in
             zip(words, ("", "用途\nRole", "判断\nLight", "", "", "", "", ""), strict=True)]  # fmt: skip
    rows = [_light_row(checkup, one) for one in checkup.lights.to_dict("records")]
    _table(sheet, heads, (26, 18, 18, 14, 14, 24, 14, 80), rows)
    for line, light in enumerate(checkup.lights["light"], HEADER_ROW + 1):
        cell = sheet.cell(line, 3)
        cell.fill, cell.font = PatternFill("solid", fgColor=LIGHT_FILLS[light]), Font(name=FONT, size=10, bold=True)
    foot = sheet.cell(HEADER_ROW + len(rows) + 2, 1)
    put_text(foot, "\n".join(checkup.catalogue.word("checkup_rule_lights")))
    foot.font = Font(name=FONT, size=9, color="5C5C5C")
    _spread(sheet, foot.row, 8, 44)


def _spread(sheet: Any, line: int, columns: int, height: float) -> None:
    """A note under a table over its whole width."""
    from openpyxl.styles import Alignment

    sheet.merge_cells(start_row=line, start_column=1, end_row=line, end_column=columns)
    sheet.cell(line, 1).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.row_dimensions[line].height = height


def _light_row(checkup: Checkup, one: dict[str, Any]) -> list[Any]:
    light = f"{LIGHT_MARKS[one['light']]} {_both(checkup, 'checkup_light_' + one['light'])}"
    top = [f"• {zh}\n  {en}" for zh, en in zip(one["top_zh"], one["top_en"], strict=True)]
    unstated = _both(checkup, "checkup_not_stated")
    listed = bool(one["role"])  # one of the inputs, not just a name that a doubt mentions
    return [
        one["source"] or _both(checkup, "checkup_whole"), one["role"], light, one["rows"],
        one["date"] or (_both(checkup, "checkup_no_date") if listed else ""), one["licence"] or (unstated if listed else ""),
        one["datum"] or (unstated if listed else ""), "\n".join(top),
    ]  # fmt: skip


def _changes_line(checkup: Checkup) -> str:
    if checkup.changes is None:
        return _both(checkup, "checkup_first")
    parts = [f"{_both(checkup, 'checkup_' + state)}: {checkup.tally(state)}" for state in ("settled", "open", "new")]
    return "与上次相比（全部疑点）/ all doubts since the last check — " + "；".join(parts)


def _write_streets(book: Any, checkup: Checkup, table: pd.DataFrame) -> None:
    from openpyxl.styles import Font, PatternFill

    note = "\n".join(checkup.catalogue.word("checkup_rule_streets"))
    sheet = _sheet(book, checkup, "街道完整度", ("街道完整度", "Completeness of streets"))
    words = ("zone", "street_km", "walk_km", "walk_density", "walk_builtup", "per_home", "homes", "without", "state")
    rows = [
        [
            one["name"], one["street_km"], one["walk_km"], one["walk_km_per_km2"], one["walk_km_per_builtup_km2"],
            one["walk_m_per_home"], one["homes"], one["share_without"], _both(checkup, f"checkup_state_{one['state']}"),
        ]
        for one in table.to_dict("records")
    ]  # fmt: skip
    _table(sheet, [_head(checkup, f"checkup_{word}") for word in words], (24, 13, 13, 16, 22, 18, 10, 20, 34), rows)
    formats = {2: "0.0", 3: "0.0", 4: "0.00", 5: "0.00", 6: "0.0", 7: "#,##0", 8: "0.0%"}
    for line, state in enumerate(table["state"], HEADER_ROW + 1):
        for at, shown in formats.items():
            sheet.cell(line, at).number_format = shown
        if state == "unfinished":
            sheet.cell(line, 9).fill = PatternFill("solid", fgColor=LIGHT_FILLS["contradictions"])
            sheet.cell(line, 9).font = Font(name=FONT, size=10, bold=True)
    foot = put_text(sheet.cell(HEADER_ROW + len(rows) + 2, 1), note)
    foot.font = Font(name=FONT, size=9, color="5C5C5C")
    _spread(sheet, foot.row, 9, 44)


def _write_counts(book: Any, checkup: Checkup, table: pd.DataFrame) -> None:
    from openpyxl.styles import Font

    sheet = _sheet(book, checkup, "数量核对", ("数量核对", "Counts against stated totals"))
    words = ("kind", "stated", "by_site", "by_legal_person", "difference", "reading")
    rows = [
        [one["kind"], one["stated"], one["by_site"], one["by_legal_person"], one["difference"], f"{one['zh']}\n{one['en']}"]
        for one in table.to_dict("records")
    ]  # fmt: skip
    _table(sheet, [_head(checkup, f"checkup_{word}") for word in words], (26, 12, 16, 16, 12, 90), rows)
    if checkup.waiting:
        foot = put_text(sheet.cell(HEADER_ROW + len(rows) + 2, 1), "\n".join(checkup.waiting))
        foot.font = Font(name=FONT, size=9, color="5C5C5C")
        _spread(sheet, foot.row, 6, 44)


def _write_return(book: Any, checkup: Checkup, department: Department, rows: pd.DataFrame) -> None:
    """The sheet that a department fills in."""
    sheet = _sheet(
        book, checkup, department.zh, (f"{department.zh} 核实回执（{len(rows)} 项）", f"{department.en}: return sheet"),
        "只填黄色栏，填法见“说明”；请勿改动疑点编号 / Fill in the yellow cells, see 说明; leave 疑点编号 as it is",
    )  # fmt: skip
    sheet.page_setup.paperSize = 8  # A3
    columns = (*INFO_COLUMNS, *FILL_COLUMNS)
    widths = _INFO_WIDTHS | _FILL_WIDTHS
    lines = [_return_line(checkup, one) for one in rows.to_dict("records")]
    titles = [f"{zh}\n{en}" for _, zh, en in columns]
    _table(sheet, titles, [widths[key] for key, *_ in columns], lines, fills=len(FILL_COLUMNS))
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 4)
    sheet.print_title_rows = f"1:{HEADER_ROW}"
    _offer(sheet, [key for key, *_ in columns], HEADER_ROW + 1, HEADER_ROW + len(lines))


def _return_line(checkup: Checkup, one: dict[str, Any]) -> list[Any]:
    kind = checkup.catalogue.kinds.get(one["kind"])
    row = str(one["row"])
    place = f"第 {row} 行 / row {row}" if row.isdecimal() else row
    at = "" if pd.isna(one["lon"]) else f"{one['lon']:.5f}, {one['lat']:.5f}（WGS-84）"
    asked = one["fields"].split("|") if one["fields"] else []
    by_value = [field for field in asked if field in ("name", "kind")]
    what = checkup.catalogue.word(f"checkup_field_{by_value[0]}")[0] if len(by_value) == 1 else None
    return [
        one["doubt_id"], one["owner_id"], one["name"], f"{kind.zh}\n{kind.en}" if kind else "", one["zone"],
        f"{one['ask_zh']}\n{one['ask_en']}", "\n".join(filter(None, (one["current_zh"], one["current_en"]))),
        "\n".join(filter(None, (" ".join(filter(None, (one["source"], place))), at))),
        *(what if key == "what" else None for key, *_ in FILL_COLUMNS),
    ]  # fmt: skip


def _offer(sheet: Any, keys: Sequence[str], first: int, last: int) -> None:
    """Lists to choose from, and what may stand in cells of numbers. An answer in other words is let through with a warning."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    def add(key: str, **rule: Any) -> None:
        letter = get_column_letter(keys.index(key) + 1)
        check = DataValidation(allow_blank=True, errorStyle="warning", showErrorMessage=True, **rule)
        check.errorTitle, check.error = "请核对", "与下拉选项或数值范围不符 / not one of the choices, or out of range"
        check.add(f"{letter}{first}:{letter}{last}")
        sheet.add_data_validation(check)

    for key, words in CHOICES.items():
        add(key, type="list", formula1=f'"{",".join(words)}"')
    add("capacity_places", type="whole", operator="between", formula1="0", formula2="99999")
    for key, most in (("lon", "180"), ("lat", "90")):
        add(key, type="decimal", operator="between", formula1=f"-{most}", formula2=most)


def _write_doubts(book: Any, checkup: Checkup) -> None:
    sheet = _sheet(book, checkup, "疑点清单", ("疑点清单", "All doubts"), _changes_line(checkup))
    states = (
        {} if checkup.changes is None else dict(zip(checkup.changes["doubt_id"], checkup.changes["state"], strict=True))
    )
    offices = {one.id: one.zh for one in checkup.rules.departments}
    asked = dict(zip(checkup.returns["doubt_id"], checkup.returns["department"], strict=True))
    rows = [
        [
            one["doubt_id"], _both(checkup, f"checkup_{one['severity']}"), one["source"], one["row"], one["id"],
            f"{one['what_zh']}\n{one['what_en']}", one["what_to_do"], offices.get(asked.get(one["doubt_id"], ""), ""),
            _both(checkup, f"checkup_{states[one['doubt_id']]}") if one["doubt_id"] in states else "",
        ]
        for one in checkup.doubts.to_dict("records")
    ]  # fmt: skip
    heads = ("疑点编号\nDoubt id", _head(checkup, "checkup_severity"), _head(checkup, "checkup_source"), "行\nRow", "编号\nId",
             _head(checkup, "checkup_what"), _head(checkup, "checkup_todo"), _head(checkup, "checkup_department"),
             "与上次相比\nSince last")  # fmt: skip
    _table(sheet, heads, (15, 16, 24, 9, 18, 70, 44, 20, 16), rows)


def _write_settled(book: Any, checkup: Checkup) -> None:
    assert checkup.changes is not None
    sheet = _sheet(book, checkup, "已消除", ("已消除的疑点", "Doubts that are settled"))
    gone = checkup.changes[checkup.changes["state"] == "settled"]
    how = {"survey": "checkup_settled_answered", "data": "checkup_settled_gone"}
    rows = [
        [one["doubt_id"], _both(checkup, how[one["by"]]), one["source"], one["row"], one["id"],
         f"{one['what_zh']}\n{one['what_en']}"]
        for one in gone.to_dict("records")
    ]  # fmt: skip
    heads = ("疑点编号\nDoubt id", "如何消除\nHow", _head(checkup, "checkup_source"), "行\nRow", "编号\nId",
             _head(checkup, "checkup_what"))  # fmt: skip
    _table(sheet, heads, (15, 34, 24, 9, 18, 80), rows)
