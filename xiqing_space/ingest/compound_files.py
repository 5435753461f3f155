"""Compounds (小区) of the planner's own files, and how they take the place of mapped ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.vectors import (
    Where,
    polygons_of,
    read_vector,
    rows_text,
    text_of,
)

REPLACED_SHARE = 0.5  # of the smaller of two compounds that they must share to be one and the same
CHILD_COLUMNS = ("pop_total", "pop_0_2", "pop_3_5", "pop_6_11", "pop_12_14", "pop_15_17")
HEADERS: dict[str, tuple[str, ...]] = {
    "compound_id": ("compound_id", "小区编号", "小区编码", "编号", "编码", "code"),
    "name": ("name", "小区名称", "小区名", "小区", "名称"),
    "households": ("households", "户数", "总户数", "住户数", "HS"),
    "enclosed": ("enclosed", "是否封闭", "封闭", "围合", "围合情况", "封闭管理"),
    "owner": (
        "owner",
        "owner_id",
        "compound",
        "compound_id",
        "小区编号",
        "所属",
        "所属小区",
        "小区",
        "小区名称",
        "所属单位",
        "设施名称",
    ),
    "status": ("status", "状态", "开放状态", "开放情况", "是否开放"),
    "gate_id": ("gate_id", "gate", "大门编号", "出入口编号", "编号"),
}
MOST_OF_ONE = 100_000  # households or people of one compound; the largest of China hold some tens of thousands
ENCLOSED = {
    **dict.fromkeys(("封闭", "是", "1", "yes", "true", "y", "enclosed", "围合", "全封闭", "半封闭"), True),
    **dict.fromkeys(("开放", "否", "0", "no", "false", "n", "open", "不封闭", "开放式", "无围墙"), False),
}


def plain(value: Any) -> str:
    """Text as it is compared: full-width forms and spaces do not matter."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text_of(value))).lower()


def column_of(frame: pd.DataFrame, role: str, named: Mapping[str, str], source: str) -> str | None:
    """The column of a role: as named, else by its usual headers; None where there is none."""
    if role in named:
        if named[role] not in frame.columns:
            raise InputDataError(
                f"没有列 {named[role]!r} / there is no column {named[role]!r}",
                where=source,
                first=[str(one)[:60] for one in frame.columns if one != "geometry"],
                todo="检查 columns 设置 / check the setting columns",
            )
        return named[role]
    known = {plain(one): one for one in frame.columns if one != "geometry"}
    return next((known[plain(one)] for one in HEADERS.get(role, (role,)) if plain(one) in known), None)


def _numbers(values: Sequence[Any], rows: Sequence[int], label: str, problems: list[str]) -> list[float]:
    found = []
    for value, row in zip(values, rows, strict=True):
        text = plain(value).replace(",", "").removesuffix("户").removesuffix("人")
        if not text:
            found.append(np.nan)
            continue
        good = re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) is not None and float(text) <= MOST_OF_ONE
        found.append(float(text) if good else np.nan)
        if not good and text.isdigit():
            problems.append(f"{rows_text([row])}：{label} {text_of(value)[:30]!r} 过大 / is too large")
        elif not good:
            problems.append(f"{rows_text([row])}：{label} {text_of(value)[:30]!r} 不是数字 / is no number")
    return found


def read_compound_file(
    path: Path,
    *,
    quality: Quality,
    columns: Mapping[str, str] | None = None,
    layer: str | None = None,
    crs: int | str | None = None,
    encoding: str | None = None,
    where_filter: Where | None = None,
) -> pd.DataFrame:
    """Compounds of a file.

    Parameters
    ----------
    columns : mapping of role to column, optional
        Roles: compound_id, name, households, enclosed and the children's `pop_0_2` … `pop_15_17`, `pop_total`; usual
        Chinese and English headers are known.

    Returns
    -------
    DataFrame
        `compound_id` (the file's own, as `file:<stem>:<code>`, else the feature's number), `name`, `households`, `pop_…`
        (NaN where not given), `open` (no walls), `source_row`, `geometry` (MultiPolygon, EPSG:4326). Where the file does
        not say whether a compound is walled it is taken as walled, with a doubt.

    Raises
    ------
    InputDataError
        No name column, ids given twice, numbers or words that cannot be read; every problem is listed.
    """
    named = dict(columns or {})
    if unknown := sorted(set(named) - {"compound_id", "name", "households", "enclosed", *CHILD_COLUMNS}):
        raise ConfigError(f"columns：未知的项 {unknown} / unknown roles {unknown}", where=path.name)
    read = read_vector(path, layer=layer, crs=crs, encoding=encoding, quality=quality, where_filter=where_filter)
    frame = polygons_of(read, quality)
    rows = read.rows.tolist()
    column = {
        role: column_of(frame, role, named, path.name) for role in ("compound_id", "name", "households", "enclosed")
    }
    if column["name"] is None:
        raise InputDataError(
            "没有小区名称列 / there is no column of names",
            where=path.name,
            first=[str(one)[:60] for one in frame.columns if one != "geometry"],
            todo='用 columns = { name = "…" } 写明 / state it by columns = { name = "…" }',
        )
    problems: list[str] = []
    codes = [text_of(one) for one in frame[column["compound_id"]]] if column["compound_id"] else [""] * len(frame)
    for code in sorted({one for one in codes if one and codes.count(one) > 1}):
        twice = [row for row, one in zip(rows, codes, strict=True) if one == code]
        problems.append(f"{rows_text(twice)}：编号 {code[:40]!r} 重复 / id given twice")
    result: dict[str, Any] = {
        "compound_id": [f"file:{path.stem}:{code or row}" for code, row in zip(codes, rows, strict=True)],
        "name": [text_of(one) or None for one in frame[column["name"]]],
    }
    for role in ("households", *CHILD_COLUMNS):
        given = column.get(role) or column_of(frame, role, named, path.name)
        values = frame[given].tolist() if given else [None] * len(frame)
        result[role] = _numbers(values, rows, str(given), problems)
    walls = [plain(one) for one in frame[column["enclosed"]]] if column["enclosed"] else [""] * len(frame)
    for row, word in zip(rows, walls, strict=True):
        if word and word not in ENCLOSED:
            problems.append(
                f"{rows_text([row])}：{column['enclosed']} = {word[:30]!r}（封闭 / 开放 · enclosed / open）"
            )
    if problems:
        raise InputDataError("小区文件有误 / the compounds file is at fault", where=path.name, first=problems,
                             todo="按行改正 / correct these rows")  # fmt: skip
    if blank := [row for row, word in zip(rows, walls, strict=True) if not word]:
        quality.add("compound_enclosed_unknown", source=path.name, row=rows_text(blank), n=len(blank))
    _note_overlaps(result["compound_id"], frame.geometry.to_numpy(), rows, path.name, quality)
    result["open"] = [not ENCLOSED.get(word, True) for word in walls]
    return pd.DataFrame({**result, "source_row": read.rows, "geometry": frame.geometry.to_numpy()})


def _note_overlaps(ids: list[str], shapes: Any, rows: list[int], source: str, quality: Quality) -> None:
    """Compounds of one file that share more than half of the smaller: one of them is drawn twice, and each home is counted in one only."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    twice = shapely.area(shapely.intersection(shapes[first], shapes[second])) > REPLACED_SHARE * smaller
    for one, other in sorted(zip(first[twice].tolist(), second[twice].tolist(), strict=True)):
        quality.add(
            "compound_overlap", source=source, row=rows_text([rows[one], rows[other]]), id=ids[one], other=ids[other]
        )


def walled(compounds: pd.DataFrame) -> pd.DataFrame:
    """Compounds that matter to links: an open one has no walls, and its homes join the street like any other."""
    return compounds[~compounds["open"].astype(bool)].reset_index(drop=True) if "open" in compounds else compounds


def merge_compounds(
    own: pd.DataFrame, mapped: pd.DataFrame, metric_epsg: int, quality: Quality, source: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compounds of a file and those of the map: the file's replace what they overlap by more than half of the smaller.

    Parameters
    ----------
    own, mapped : DataFrame
        As `read_compound_file` and `read_compounds` give them.

    Returns
    -------
    (DataFrame, DataFrame)
        All compounds that stay, open ones too (`open` is False for mapped ones; children NaN); and the replacements:
        `compound_id` of the map, `replaced_by`, `shared_share` of the smaller, each also a doubt.
    """
    first = own.sort_values("compound_id", kind="stable").reset_index(drop=True)
    second = mapped.sort_values("compound_id", kind="stable").reset_index(drop=True)
    a = project_geometry(first["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    b = project_geometry(second["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    other, mine = shapely.STRtree(a).query(b, predicate="intersects")
    share = shapely.area(shapely.intersection(b[other], a[mine])) / np.minimum(
        shapely.area(b[other]), shapely.area(a[mine])
    )
    pairs = pd.DataFrame({"other": other, "mine": mine, "shared_share": share})
    pairs = pairs[pairs["shared_share"] > REPLACED_SHARE]
    replaced = pd.DataFrame(
        {
            "compound_id": second["compound_id"].to_numpy()[pairs["other"]],
            "replaced_by": first["compound_id"].to_numpy()[pairs["mine"]],
            "shared_share": pairs["shared_share"].to_numpy(),
        }
    ).sort_values(["compound_id", "replaced_by"], ignore_index=True)
    named = {
        one: (f"“{name}”（{one}）", f'"{name}" ({one})') if isinstance(name, str) and name else (one, one)
        for frame in (first, second) for one, name in zip(frame["compound_id"], frame["name"], strict=True)
    }  # fmt: skip
    for old, new, shared in replaced.itertuples(index=False):
        quality.add("compound_replaced", source=source, id=old, old=named[old], new=named[new], share=f"{shared:.0%}")
    stay = second[~second["compound_id"].isin(set(replaced["compound_id"]))]
    if "open" not in stay:
        stay = stay.assign(open=False)
    columns = list(dict.fromkeys([*first.columns, *stay.columns]))
    both = [one for one in (first, stay) if len(one)]
    merged = (
        pd.concat([one.reindex(columns=columns).astype(object) for one in both], ignore_index=True) if both else first
    )
    numeric = [one for one in ("households", *CHILD_COLUMNS) if one in merged]
    merged = merged.astype({**dict.fromkeys(numeric, "float64"), "open": bool})
    return merged.sort_values("compound_id", ignore_index=True), replaced
