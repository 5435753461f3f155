"""A comparison of two runs as a workbook or as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import ColumnWords
from xiqing_space.errors import OutputError
from xiqing_space.ingest.cells import defuse_cell
from xiqing_space.report.fast_book import SAMPLE, Book
from xiqing_space.report.planner_tables import Sheet, SheetColumn
from xiqing_space.report.workbook import write_rows
from xiqing_space.schemas import TABLES

_SIDES = (("_a", "前"), ("_b", "后"), ("_difference", "差"))
_NUMBERS = {
    "value": "数值",
    "value_low": "低值",
    "value_high": "高值",
    "numerator": "分子",
    "denominator": "分母",
    "n_unknown": "待核",
}
_TEXTS = {"verdict": "判定", "reason": "说明", "threshold": "限值", "weight_kind": "计数口径", "unit": "单位"}
_OF_WEIGHT = {"persons": "persons", "relative": "weight", "hectares": "ha", "count": "count"}


def write_comparison(
    path: Path, rows: pd.DataFrame, behind: pd.DataFrame, lines: Sequence[str], states: dict[str, str], words: ColumnWords,
    catalogue: Catalogue, *, synthetic: bool,
) -> Path:  # fmt: skip
    """Write figures that differ (and what stands behind) as .xlsx or .csv; the same comparison gives the same bytes.

    Parameters
    ----------
    path : Path
        Ends in .xlsx or .csv. The CSV has the figures alone.
    rows, behind : DataFrame
        Of a comparison; rows in the state `same` are left out.
    lines : sequence of str
        The summary, for the first sheet.
    states : dict
        States in Chinese.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    kept = rows[rows["state"] != "same"].reset_index(drop=True)
    if path.suffix.lower() == ".csv":
        try:
            kept.map(defuse_cell).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")
        except OSError as error:
            raise OutputError(
                "无法写入 / cannot be written",
                where=str(path),
                todo="如已在 Excel 中打开，请先关闭 / close it in Excel",
            ) from error
        return path
    book = Book(path, SAMPLE if synthetic else "")
    cover = book.sheet("概要", "两次运行的比较 / two runs compared")
    cover.set_column(0, 0, 160)
    for number, line in enumerate(lines, 3):
        book.text(cover, number, 0, line, book.format(text_wrap=True, font_name="Consolas"))
    write_rows(
        book,
        book.sheet("指标变化", "指标变化 / figures that differ"),
        _figures(kept, states, words, catalogue),
        full="CSV",
    )
    names = (("what", "类别", 20), ("name", "名称", 40), ("before", "前", 60), ("after", "后", 60))
    columns = tuple(SheetColumn(name, zh, "", "text", width) for name, zh, width in names)
    write_rows(
        book,
        book.sheet("输入与设置", "输入、设置与版本的不同 / what stands behind"),
        Sheet("输入与设置", "behind", "", columns, behind),
    )
    return book.close()


def _figures(rows: pd.DataFrame, states: dict[str, str], words: ColumnWords, catalogue: Catalogue) -> Sheet:
    columns = [SheetColumn("state", "状态", "", "text", 18), SheetColumn("label_zh", "指标", "", "text", 56),
               SheetColumn("zone_name", "分区", "", "text", 18)]  # fmt: skip
    out = {"state": rows["state"].map(states), "label_zh": rows["label_zh"], "zone_name": rows["zone_name"]}
    for name, zh in _NUMBERS.items():
        by_unit = [
            _form(name, unit, weight)
            for unit, weight in zip(_either(rows, "unit"), _either(rows, "weight_kind"), strict=True)
        ]
        for end, side in _SIDES:
            columns.append(SheetColumn(f"{name}{end}", f"{zh}·{side}", "", by_unit, 13))
            out[f"{name}{end}"] = rows[f"{name}{end}"]
    for name, zh in _TEXTS.items():
        for end, side in _SIDES[:2]:
            columns.append(SheetColumn(f"{name}{end}", f"{zh}·{side}", "", "text", 18))
            out[f"{name}{end}"] = [
                words.value(name, one, catalogue) for one in rows[f"{name}{end}"].to_numpy(dtype=object)
            ]
    columns.append(SheetColumn("note_zh", "须注意", "", "text", 44))
    out["note_zh"] = rows["note_zh"]
    for name in TABLES["indicators"].key:
        columns.append(SheetColumn(name, words.heading("indicators", name)[0], "", "text", 18))
        out[name] = rows[name]
    return Sheet("指标变化", "comparison", "", tuple(columns), pd.DataFrame(out))


def _either(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows[f"{column}_b"].fillna(rows[f"{column}_a"])


def _form(name: str, unit: object, weight: object) -> str:
    if name in ("value", "value_low", "value_high"):
        return "percent" if unit == "share" else "plain"
    return _OF_WEIGHT.get(str(weight), "plain")
