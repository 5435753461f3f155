"""上学路径踏勘表.xlsx: what surveyors take along, a sheet for each school; `ingest/field_sheets.py` reads it back."""

from __future__ import annotations

import difflib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.config import Config
from xiqing_space.errors import ConfigError, InputFileError, XiqingError
from xiqing_space.ingest.field_columns import ID_KEY, PHOTO_KEY, SIGHT_KEY, Field, is_blank, key_of, load_sheet_words
from xiqing_space.ingest.fixed_xlsx import put_text, save_fixed
from xiqing_space.ingest.table_files import read_bytes, read_grids
from xiqing_space.provenance import RunFolder
from xiqing_space.report.field_items import NEEDS, FieldItems, FieldTables
from xiqing_space.report.field_map import Streets, draw_school
from xiqing_space.report.field_styles import HEADER_ROW, INTERNAL, RELATIVE, SYNTHETIC, FieldStyles, offer
from xiqing_space.report.sight_items import SIGHT_NEEDS, sight_items
from xiqing_space.report.sight_sheet import add_sight_sheet
from xiqing_space.store import Store

NOTES_SHEET, TOP = "填写说明", 25
_FILLED = "（已填写）"
# title, width, key
_INFO = (
    ("序号 no.", 5, "number"), ("对象编号（勿改） id, leave as it is [item_id]", 15, "item_id"), ("类型 type [item_type]", 7, "item_type"),
    ("对象 what", 20, "what"), ("道路 street", 16, "street"), ("经度 WGS-84 lon", 11, "lon"), ("纬度 WGS-84 lat", 10, "lat"),
    ("经度 GCJ-02（高德、腾讯） lon", 11, "gcj_lon"), ("纬度 GCJ-02（高德、腾讯） lat", 10, "gcj_lat"), ("学生 pupils", 8, "children"),
    ("左右 sides", 17, "side"), ("现值（默认=无人看过） present values", 44, "now"),
)  # fmt: skip
_END = (("踏勘日期 date, 2026-03-01 [surveyed_on]", 12), ("备注 remark [note]", 20))
_READ_ME = (
    ("每所学校一张表，列出最值得到现场看的路段和过街：经过的学生多，而地图上不知道的也多。校门列在最前。",
     "One sheet for each school, with the streets and crossings most worth a visit: many pupils pass, and much is not known. Gates come first."),
    ("只填黄色格。下拉格请从列表中选；数字格只填数字。灰格不填。看不清、没去的，留空。",
     "Fill in the yellow cells only. Choose from the lists; numbers are bare numbers. Leave grey cells, and what you did not see, blank."),
    ("“现值”中标“默认”的是按道路等级猜的，没有人看过。看到的与默认相同也请填：填了就算核实。标“地图”的与现场不同，照现场填。",
     "Values marked 默认 are guesses by the class of the road. Where what you see is the same, fill it in all the same: that confirms it. "
     "Where the map (地图) is wrong, write what you see."),
    ("左、右按“左右”一栏所写的方位，与车流方向无关。人行道按最窄、最不利的一段填。",
     "Left and right are as the column 左右 says, whatever way traffic runs. Of a sidewalk take the worst stretch."),
    ("“不计分”的四项（电动自行车、人行道停车、右转货车、接送拥堵）不进评分，但写进结果。",
     "The four marked 不计分 stay outside the score, and stand in the results."),
    ("最后一张“视线测量”（如有）：按默认高度算，孩子在路边看不见来车的地方，请量遮挡物高度、看它还在不在；能步测的，写出 1.00 m 高处看得见来车的距离。",
     "The last sheet 视线测量, where there is one: places where by default heights a child at the kerb does not see the car. Measure what blocks, "
     "say whether it is still there, and pace how far a car is seen from 1.00 m."),
    ("WGS-84 坐标用于手持 GPS；GCJ-02 用于高德、腾讯地图。表下的图按序号标出各处。",
     "WGS-84 is for a GPS receiver, GCJ-02 for Amap and Tencent maps. The picture below each table shows the numbers."),
    ("可以排序、删去不看的行、分给几个人填，也可另存为 CSV；请勿改“对象编号”和方括号中的列名。同一处看了两次，两次都写日期。",
     "Sort, delete rows, share the sheets out, save as CSV; leave the ids and the names in square brackets alone. Of a place that is "
     "visited twice date both visits."),
    ("填好后存到 data/raw，写进 config/xiqing.toml：[routes] field_sheets = [\"../data/raw/上学路径踏勘表_已填.xlsx\"]，再运行。",
     "Save it in data/raw, name it in config/xiqing.toml under [routes] field_sheets, and run again."),
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """The workbook, how many schools, items and lines of sight it holds, and under which name an earlier, filled-in one was kept."""

    path: Path
    schools: int
    items: int
    kept: Path | None = None
    sights: int = 0


def write_field_sheet(config: Config, out: Path, *, school: str | None = None, top: int = TOP) -> Written:
    """Write the field sheet of a finished run into its reports.

    Parameters
    ----------
    config : Config
        Of the run: its catalogue, and the inputs that are never written over.
    out : Path
        Folder of the run.
    school : str, optional
        Only schools whose name (or id) is, else holds, this.
    top : int
        Most streets and crossings of a school.

    Raises
    ------
    InputFileError
        The run is not there, or did not come as far as routes.
    ConfigError
        No school of that name has routes, or the workbook to be written is an input.
    """
    words = load_sheet_words()
    target = out / "reports" / words.file
    if any(path.resolve() == target.resolve() for path in config.files().values()):
        raise ConfigError(
            "设置中的输入文件就是要写的踏勘表 / an input of the configuration is the very file that would be written", where=str(target),
            todo="把填好的另存到 data/raw，并改写设置中的路径 / save the filled-in one in data/raw and name it there",
        )  # fmt: skip
    folder = RunFolder(out)
    missing = [name for name in NEEDS if not (out / "data/processed" / f"{name}.parquet").is_file()]
    if missing:
        raise InputFileError(
            "结果不全，还没有上学路径 / the run has no routes yet", where=str(out / "data/processed"), first=missing,
            todo="先运行 xiqing-space run（或 make coverage）/ run xiqing-space run first",
        )  # fmt: skip
    with folder.locked():
        store, catalogue = Store(out / "data/processed"), config.catalogue()
        found = FieldTables.read(store)
        looked = school is None and all(store.path(name).is_file() for name in SIGHT_NEEDS)
        sights = sight_items(store, catalogue) if looked else None
        items = FieldItems(found, catalogue)
        chosen = _choose(found["schools"], items, school, top)
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = keep_filled(target)
        count = _book(target, found, catalogue, items, chosen, top, sights)
    return Written(target, len(chosen), count, kept, 0 if sights is None else len(sights))


def keep_filled(path: Path) -> Path | None:
    """Move a field sheet in which somebody has written, or that cannot be read, out of the way; its new name."""
    if not path.is_file():
        return None
    try:
        filled = any(map(_is_filled, read_grids(read_bytes(path), path.name, None)))
    except XiqingError:
        filled = True
    if not filled:
        return None
    number = 1
    while (place := path.with_name(f"{path.stem}{_FILLED}{number if number > 1 else ''}{path.suffix}")).exists():
        number += 1
    path.replace(place)
    return place


def _is_filled(grid: Any) -> bool:
    words = load_sheet_words()
    keys = {one.key for one in (*words.fields, *words.sights)} | {"surveyed_on", "note", PHOTO_KEY}
    top = next(
        (row for row in sorted(grid.rows) if {ID_KEY, SIGHT_KEY} & set(map(key_of, grid.rows[row].values()))), None
    )
    if top is None:
        return False
    columns = [column for column, text in grid.rows[top].items() if key_of(text) in keys]
    return any(not is_blank(grid.rows[row].get(column)) for row in grid.rows if row > top for column in columns)


def _choose(schools: pd.DataFrame, items: FieldItems, wanted: str | None, top: int) -> pd.DataFrame:
    """Schools with routes, those whose sheet is worth most first."""
    routed = schools[
        (schools["children_routed"] > 0).to_numpy(dtype=bool)
        & (schools["kind"] != "special_school").to_numpy(dtype=bool)
    ]
    mine = pd.DataFrame(routed).drop_duplicates("school_id")
    if wanted is not None:
        name = mine["name"].fillna("").astype(str)
        whole = (name == wanted) | (mine["school_id"] == wanted)
        mine = mine[(whole if whole.any() else name.str.contains(wanted, regex=False)).to_numpy(dtype=bool)]
    if mine.empty:
        names = sorted(set(schools["name"].dropna()))
        near = difflib.get_close_matches(wanted or "", names, n=5, cutoff=0.3) or names[:5]
        raise ConfigError(
            f"没有名为“{wanted[:60]}”且有路径的学校 / no school of that name has routes" if wanted else "没有一所学校有路径 / no school has routes",
            first=near, todo="写出校名或其中一段 / give the name or a part of it",
        )  # fmt: skip
    worth = [items.weight_of(one, top) for one in mine["school_id"]]
    return mine.assign(worth=worth).sort_values(["worth", "school_id"], ascending=[False, True], ignore_index=True)


def _book(
    target: Path, found: FieldTables, catalogue: Catalogue, items: FieldItems, schools: pd.DataFrame, top: int,
    sights: pd.DataFrame | None,
) -> int:  # fmt: skip
    from openpyxl import Workbook

    book = Workbook()
    _notes(book.active, found, catalogue)
    styles = FieldStyles(book)
    streets = Streets(found["streets"], catalogue.safety["roads"]["foot"], found.metric_epsg)
    count = 0
    for number, school in enumerate(schools.itertuples(index=False), 1):
        rows = items.of(school.school_id, top)
        name = school.name if isinstance(school.name, str) else school.school_id
        sheet = book.create_sheet(_title(number, name))
        _fill(sheet, rows, name, school, found, styles)
        picture = draw_school(streets, rows, items.lines(rows), school.geometry, name, found.synthetic)
        _place(sheet, picture, HEADER_ROW + len(rows) + 2)
        count += len(rows)
    if sights is not None and len(sights):
        relative = not (found["schools"]["weight_kind"] == "persons").all()
        add_sight_sheet(book, sights, styles, found.area, synthetic=found.synthetic, relative=relative)
    save_fixed(book, target)
    return count


def _title(number: int, name: str) -> str:
    bare = re.sub(r"[\[\]:*?/\\'：]", " ", "".join(one if one.isprintable() else " " for one in name))
    return f"{number:02d} {bare}"[:31].strip()


def _notes(sheet: Any, found: FieldTables, catalogue: Catalogue) -> None:
    from openpyxl.styles import Alignment, Font

    sheet.title = NOTES_SHEET
    sheet.column_dimensions["A"].width = 120
    lines = [f"{found.area} 上学路径踏勘表 / field sheet of the ways to school", INTERNAL]
    lines += [SYNTHETIC] if found.synthetic else []
    lines += [one for pair in _READ_ME for one in pair]
    lines += [f"{catalogue.safety['name_zh']} / {catalogue.safety['name_en']}"]
    for line, text in enumerate(lines, 1):
        cell = put_text(sheet.cell(line, 1), text)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if line == 1:
            cell.font = Font(bold=True, size=14)


def _columns() -> list[tuple[str, float, Field | None]]:
    """Title, width and field of every column."""
    asked = [(f"{one.zh} {one.en} [{one.key}]", 13.0, one) for one in load_sheet_words().fields]
    return [
        *((title, width, None) for title, width, _ in _INFO),
        *asked,
        *((title, width, None) for title, width in _END),
    ]


def _fill(sheet: Any, rows: pd.DataFrame, name: str, school: Any, found: FieldTables, styles: FieldStyles) -> None:
    """Head, header, items with their cells to fill, lists of choices."""
    from openpyxl.utils import get_column_letter

    persons = school.weight_kind == "persons"
    said = f"学生 pupils: {school.children_routed:.0f}" if persons else RELATIVE
    put_text(styles.put(sheet.cell(1, 1), "school"), f"{name} 上学路径踏勘 / ways to school")
    put_text(sheet.cell(2, 1), f"{school.school_id}　{said}　{INTERNAL}")
    put_text(
        sheet.cell(3, 1),
        (SYNTHETIC + "　" if found.synthetic else "") + "填法见第一张表 / how to fill it in: see the first sheet",
    )
    columns = _columns()
    for at, (title, width, _) in enumerate(columns, 1):
        put_text(styles.put(sheet.cell(HEADER_ROW, at), "title"), title)
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.row_dimensions[HEADER_ROW].height = 92
    types = load_sheet_words().types
    for line, one in enumerate(rows.to_dict("records"), HEADER_ROW + 1):
        one |= {"number": line - HEADER_ROW, "item_type_zh": types[one["item_type"]][0]}
        for at, (_, _, field) in enumerate(columns, 1):
            if at <= len(_INFO):
                _put(styles.put(sheet.cell(line, at), "told"), one, _INFO[at - 1][2], persons)
            elif field is not None and one["item_type"] not in field.of:
                styles.put(sheet.cell(line, at), "not_asked").value = "／"
            else:
                styles.put(sheet.cell(line, at), "asked")
        sheet.row_dimensions[line].height = 62 if one["now"] else 24
    offer(sheet, columns, max(len(rows), 1))
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 6)
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 8
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"


def _put(cell: Any, one: dict[str, Any], key: str, persons: bool) -> None:
    if key == "item_type":
        put_text(cell, one["item_type_zh"])
    elif key == "children":
        cell.value = round(float(one[key]), 1 if persons else 6)
    elif isinstance(one[key], str):
        put_text(cell, one[key])
    else:
        cell.value = int(one[key]) if key == "number" else float(one[key])


def _place(sheet: Any, picture: bytes, row: int) -> None:
    from openpyxl.drawing.image import Image

    sheet.add_image(Image(io.BytesIO(picture)), f"B{row}")
