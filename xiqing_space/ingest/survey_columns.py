"""Columns of a return sheet: what the writer puts there and how the reader finds it again, wherever it was moved."""

from __future__ import annotations

import re
import unicodedata

# key, Chinese title, English title
INFO_COLUMNS = (
    ("doubt_id", "疑点编号", "doubt id"), ("owner_id", "设施编号", "facility id"), ("name", "名称", "name"),
    ("kind", "类别", "kind"), ("zone", "街镇", "zone"), ("ask", "请核实的内容", "what is asked"), ("current", "现值", "as recorded"),
    ("evidence", "依据与位置", "evidence, place"),
)  # fmt: skip
FILL_COLUMNS = (
    ("answer", "答复", "answer"), ("what", "更正项目", "item corrected"), ("value", "更正值", "correct value"),
    ("status", "状态", "status"), ("operator", "性质", "operator"), ("capacity_places", "学位数", "places"),
    ("lon", "经度", "longitude"), ("lat", "纬度", "latitude"), ("datum", "坐标系", "datum"), ("note", "备注", "remark"),
    ("organisation", "填报单位", "office"),
)  # fmt: skip
# the words offered in each cell; the reader knows more of them (departments.toml)
CHOICES = {
    "answer": ("属实", "有误", "不清楚"),
    "what": ("名称", "类别", "状态", "性质", "学位数"),
    "status": ("在办", "在建", "规划", "停办"),
    "operator": ("公办", "普惠民办", "民办"),
    "datum": ("WGS-84", "CGCS2000", "GCJ-02", "BD-09"),
}


def fold(text: str) -> str:
    """A word without case, width and spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).casefold()


def column_keys() -> dict[str, str]:
    """Key of a column by its folded title, in either language or both."""
    found: dict[str, str] = {}
    for key, zh, en in (*INFO_COLUMNS, *FILL_COLUMNS):
        for title in (zh, en, zh + en):
            found[fold(title)] = key
    return found
