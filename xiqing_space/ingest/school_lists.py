"""Which homes go to which school, and which pupils do not walk from home, as the education office's own files say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.columns import Cells, find_columns
from xiqing_space.ingest.headers import known_fields
from xiqing_space.ingest.kind_words import kinds_of_words
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.school_names import SCHOOL_KINDS, Schools
from xiqing_space.ingest.school_units import Units
from xiqing_space.ingest.sheets import Sheet
from xiqing_space.ingest.values import parse_number
from xiqing_space.ingest.vectors import polygons_of, read_vector, rows_text, text_of

AREA_COLUMNS = ("area_id", "school_id", "school_name", "kind", "geometry")
ASSIGNMENT_COLUMNS = ("row_id", "unit", "unit_id", "unit_name", "school_id", "school_name", "kind")
SHARE_COLUMNS = ("school_id", "boarders_share", "cross_district_share", "source")
_LISTED = re.compile(r"[、,，;；|]")
_SHARES = {
    "boarders_share": ("住校生占比", "share of boarders"),
    "cross_district_share": ("跨区走读生占比", "share from other districts"),
}
_UNITS = ("compound", "community", "zone")


def stem_of(sheet: Sheet, path: Path) -> str:
    """What ids of a table's rows begin with: the file, and the sheet where there are several."""
    return f"file:{clean_text(path.stem)}{sheet.source.removeprefix(path.name)}"


def no_rows(columns: tuple[str, ...]) -> pd.DataFrame:
    """A frame of these columns without rows."""
    return pd.DataFrame({name: [] for name in columns}, dtype=object)


def _fault(source: str, problems: list[str], todo: str) -> InputDataError:
    return InputDataError(
        f"{len(problems)} 处需要改正 / {len(problems)} places must be corrected",
        where=source,
        first=problems,
        todo=todo,
    )


def one_kind(text: str | None, catalogue: Catalogue) -> str | None:
    """The kind of school that a cell names; None where it names none, or several (九年一贯制: whatever the school is)."""
    kinds = [one for one in kinds_of_words(text or "", catalogue) if one in SCHOOL_KINDS or one == "kindergarten"]
    return kinds[0] if len(kinds) == 1 and kinds[0] != "school_unknown_level" else None


def _school(
    schools: Schools, name: str, kind: str | None, source: str, row: str, identity: str, quality: Quality
) -> str | None:
    """The school's id; where the name fits none, or several, that is listed with file and row."""
    found = schools.find(name, kind)
    if found.site_id is None:
        quality.add("school_unmatched", source=source, row=row, id=identity, name=name[:60], why=found.why)
    return found.site_id


# ---- 学区 polygons


def read_school_areas(
    path: Path, schools: Schools, catalogue: Catalogue, quality: Quality, *, kind: str | None = None,
    columns: Mapping[str, str] | None = None, layer: str | None = None, crs: int | str | None = None, encoding: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """学区 of a GIS file: `AREA_COLUMNS`, EPSG:4326, in the file's order.

    Parameters
    ----------
    kind : str, optional
        Kind of school of all of them; by default a column of levels says it, or nothing does.
    columns : mapping of role to column, optional
        Roles assigned_school and kind, where headers are unusual.

    Raises
    ------
    InputDataError
        The file cannot be read, has no column of schools, or features without a school's name.
    """
    named = dict(columns or {})
    if unknown := sorted(set(named) - {"assigned_school", "kind"}):
        raise ConfigError(
            f"columns：未知的项 {unknown} / unknown roles {unknown}", where=path.name,
            todo='可用 assigned_school、kind / use assigned_school and kind',
        )  # fmt: skip
    read = read_vector(path, layer=layer, crs=crs, encoding=encoding, quality=quality)
    frame = polygons_of(read, quality)
    headers = [str(one) for one in frame.columns if one != "geometry"]
    school = _header(headers, named, "assigned_school", ("assigned_school", "name"), path.name)
    level = _header(headers, named, "kind", ("level", "kind"), path.name)
    if school is None:
        raise InputDataError(
            "没有学校名称列 / there is no column of schools", where=path.name, first=headers,
            todo='在设置中写 columns = { assigned_school = "列名" } / state it by columns = { assigned_school = "…" }',
        )  # fmt: skip
    names = [text_of(one) for one in frame[school]]
    if bare := [rows_text([row]) for row, name in zip(read.rows, names, strict=True) if not name]:
        raise _fault(
            path.name, [f"{one}：没有学校名称 / no school's name" for one in bare], "补上学校名称 / add the names"
        )
    kinds = [kind or one_kind(text_of(one), catalogue) for one in (frame[level] if level else [None] * len(frame))]
    stem = f"file:{clean_text(path.stem)}" + (f"[{read.layer}]" if layer else "")
    ids = [f"{stem}:{row}" for row in read.rows.tolist()]
    found = [
        _school(schools, name, one, path.name, rows_text([row]), identity, quality)
        for name, one, row, identity in zip(names, kinds, read.rows, ids, strict=True)
    ]
    rows = zip(ids, found, names, kinds, frame.geometry.to_numpy(), strict=True)
    return pd.DataFrame(list(rows), columns=list(AREA_COLUMNS))


def _header(
    headers: list[str], named: Mapping[str, str], role: str, fields: tuple[str, ...], source: str
) -> str | None:
    """The column of a role: as stated, else by its usual headers, the more telling field first."""
    if role in named:
        if named[role] not in headers:
            raise InputDataError(f"没有列 {named[role]!r} / there is no column {named[role]!r}", where=source, first=headers,
                                 todo="检查 columns 设置 / check the setting columns")  # fmt: skip
        return named[role]
    for field in fields:
        fits = [one for one in headers if field in known_fields(one)]
        if len(fits) > 1:
            raise InputDataError(
                f"{role} 有 {len(fits)} 列可选 / {len(fits)} columns could be {role}", where=source, first=fits,
                todo=f'在设置中写 columns = {{ {role} = "{fits[0]}" }} / state which',
            )  # fmt: skip
        if fits:
            return fits[0]
    return None


def note_areas(areas: pd.DataFrame, metric: Any, buffered: Any, least_share: float, quality: Quality) -> None:
    """Doubts of 学区 that overlap for one level, or lie beyond the study area's surroundings.

    Parameters
    ----------
    areas : DataFrame
        `AREA_COLUMNS` in id order.
    metric : array of MultiPolygon
        Their shapes in the metric system.
    buffered : geometry
        The study area with its buffer, metric.
    least_share : float
        Part of the smaller one from which on an overlap is told.
    """
    ids, names, kinds = (areas[name].tolist() for name in ("area_id", "school_name", "kind"))
    source = [one.rpartition(":")[0].removeprefix("file:") for one in ids]
    for at in np.flatnonzero(~shapely.intersects(metric, buffered)).tolist():
        quality.add("school_area_far", source=source[at], id=ids[at], name=names[at][:60])
    pairs = shapely.STRtree(metric).query(metric, predicate="intersects").T
    for one, other in sorted((int(a), int(b)) for a, b in pairs if a < b):
        if kinds[one] != kinds[other] and None not in (kinds[one], kinds[other]):
            continue
        shared = float(shapely.area(shapely.intersection(metric[one], metric[other])))
        if (
            shared > least_share * min(shapely.area(metric[one]), shapely.area(metric[other]))
            and names[one] != names[other]
        ):
            quality.add("school_areas_overlap", source=source[one], id=f"{ids[one]}|{ids[other]}", one=names[one][:40],
                        other=names[other][:40], area_ha=f"{shared / 1e4:.2f}")  # fmt: skip


# ---- tables of assignment


def read_assignments(
    sheet: Sheet, path: Path, schools: Schools, units: Units, catalogue: Catalogue, quality: Quality, *, kind: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Rows 小区 / 社区 / 街镇 -> 学校: `ASSIGNMENT_COLUMNS`, a row for each unit and school that a row of the table names.

    Of a row that names several levels the finest counts; 社区 that are no zones are taken apart into their 小区 by the
    membership table, save for those that the table names themselves. What fits nothing keeps its row, with the id missing, and
    is listed.

    Raises
    ------
    InputDataError
        No column of schools or of units, or rows that lack either; all are listed.
    """
    found = find_columns(sheet, ("assigned_school", "name", *_UNITS, "kind", "level"), columns)
    school = found.get("assigned_school", found.get("name"))
    if school is None or not set(_UNITS) & set(found):
        what = "对口学校 / schools" if school is None else "小区、社区或街镇 / compounds, communities or towns"
        raise InputDataError(
            f"表头（第 {sheet.header_row} 行）没有列：{what} / is missing in the header", where=sheet.source,
            first=[str(one) for one in sheet.frame.columns],
            todo='在设置中写 columns = { assigned_school = "列名", compound = "列名" } / state the columns in the config',
        )  # fmt: skip
    sheet.note_doubts(quality)
    cells = Cells(sheet, quality)
    names, levels = cells.text(school), cells.text(found.get("level", found.get("kind")))
    told = {unit: cells.text(found.get(unit)) for unit in _UNITS}
    problems = sheet.fault_lines([school, *(found[unit] for unit in _UNITS if unit in found)])
    lines: list[_Line] = []
    for place, row in enumerate(sheet.rows):
        unit = next((one for one in _UNITS if told[one][place]), None)
        name = names[place]
        if name is not None and unit is not None:
            above = {one: told[one][place] for one in _UNITS[_UNITS.index(unit) + 1 :]}
            lines.append(
                _Line(row, unit, str(told[unit][place]), above, name, kind or one_kind(levels[place], catalogue))
            )
        elif name is not None or unit is not None:
            lacks = (
                ("没有学校", "no school")
                if name is None
                else ("没有小区、社区或街镇", "no compound, community or town")
            )
            problems.append(cells.line(place, *lacks))
    if problems:
        raise _fault(sheet.source, problems, "补全这些行后重新运行 / complete these rows and run again")
    return _assigned(lines, stem_of(sheet, path), sheet.source, schools, units, quality)


@dataclass(frozen=True)
class _Line:
    """A row of an assignment table: its finest unit, what it says of the coarser ones, its school and level."""

    row: int
    unit: str
    text: str
    above: dict[str, str | None]
    school: str
    kind: str | None


def _assigned(
    lines: list[_Line], stem: str, source: str, schools: Schools, units: Units, quality: Quality
) -> pd.DataFrame:
    """Units and schools of the rows, each pair a row of its own."""
    rows: list[tuple[Any, ...]] = []
    named: set[tuple[str | None, str | None]] = set()  # compounds that stand in the table themselves
    of_community: set[str] = set()  # rows of compounds that stand for their community
    for one in lines:
        every = [
            (name, _school(schools, name, one.kind, source, str(one.row), f"{stem}:{one.row}", quality))
            for name in _parts(one.school)
        ]
        number = 0
        for text in _parts(one.text):
            for resolved, identity in units.find(one.unit, text, one.above, source, str(one.row), quality):
                for name, site in every:
                    number += 1
                    key = f"{stem}:{one.row}" + (f"-{number}" if number > 1 else "")
                    rows.append((key, resolved, identity, text, site, name, one.kind))
                    if resolved == one.unit == "compound":
                        named.add((identity, one.kind))
                    elif resolved == "compound":
                        of_community.add(key)
    # what a row says of a compound itself counts before what another says of its community
    kept = [row for row in rows if row[0] not in of_community or (row[2], row[6]) not in named]
    return pd.DataFrame(kept, columns=list(ASSIGNMENT_COLUMNS), dtype=object)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _LISTED.split(text) if part.strip()]


# ---- pupils who do not walk from home


def read_shares(
    sheet: Sheet, schools: Schools, quality: Quality, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Shares of each school's pupils who board, and who come by day from another district: `SHARE_COLUMNS`.

    The two are parts of all pupils and share nobody, so that together they are at most all. Per cent or share: `%` in the
    header or in a cell means per cent; without it a column whose figures are all at most 1 holds shares, and one whose figures
    are all 0 or above 1 per cents. Anything between is refused, for 0.5 may be either.

    Raises
    ------
    InputDataError
        Figures that cannot be read or told, beyond their range, schools listed twice; all are listed.
    """
    found = find_columns(sheet, ("assigned_school", "name", *_SHARES), columns)
    school = found.get("name", found.get("assigned_school"))
    if school is None or not set(_SHARES) & set(found):
        lacks = ("学校", "schools") if school is None else ("住校生占比或跨区走读生占比", "shares")
        raise InputDataError(
            f"没有“{lacks[0]}”列 / there is no column of {lacks[1]}", where=sheet.source, first=[str(one) for one in sheet.frame.columns],
            todo='在设置中写 columns = { name = "列名", boarders_share = "列名" } / state the columns in the config',
        )  # fmt: skip
    sheet.note_doubts(quality)
    cells = Cells(sheet, quality)
    names = cells.text(school)
    problems = sheet.fault_lines([school, *(found[one] for one in _SHARES if one in found)])
    values = {field: _share_column(cells, found.get(field), field, problems) for field in _SHARES}
    total = np.nansum(np.vstack(list(values.values())), axis=0)
    rows: list[tuple[Any, ...]] = []
    seen: dict[str, int] = {}
    for place, row in enumerate(sheet.rows):
        mine = [values[field][place] for field in _SHARES]
        if names[place] is None:
            if not np.isnan(mine).all():
                problems.append(cells.line(place, "没有学校", "no school"))
            continue
        if total[place] > 1 + 1e-9:
            problems.append(
                cells.line(place, f"两项合计 {total[place]:.0%}，超过 100%", f"both together are {total[place]:.0%}")
            )
        site = _school(schools, str(names[place]), None, sheet.source, str(row), "", quality)
        if site is None or np.isnan(mine).all():
            continue
        if site in seen:
            problems.append(
                cells.line(place, f"与第 {seen[site]} 行为同一所学校", f"the school of row {seen[site]} again")
            )
        seen[site] = row
        rows.append((site, *mine, f"{sheet.source}:{row}"))
    if problems:
        raise _fault(
            sheet.source,
            problems,
            "改正这些单元格；百分数请在表头写（%） / correct these cells; write (%) into the header",
        )
    return pd.DataFrame(rows, columns=list(SHARE_COLUMNS))


def _share_column(cells: Cells, header: str | None, field: str, problems: list[str]) -> np.ndarray[Any, Any]:
    """A column as shares, NaN where nothing is stated."""
    texts = cells.text(header)
    values = np.full(len(texts), np.nan)
    marked = np.zeros(len(texts), dtype=bool)
    zh, en = _SHARES[field]
    for place, text in enumerate(texts):
        if text is None:
            continue
        plain = text.strip().replace("％", "%")
        number = parse_number(plain.removesuffix("%"))
        marked[place] = plain.endswith("%")
        if number is None or not 0 <= number.value <= 100:
            problems.append(
                cells.line(place, f"{zh}“{text[:20]}”应为 0–100%", f"{en}: “{text[:20]}” is no share from 0 to 100 %")
            )
            continue
        values[place] = number.value
    whole = header is not None and bool(re.search(r"[%％]|百分", header))
    bare = np.flatnonzero(~np.isnan(values) & ~marked)
    small, large = bare[(values[bare] > 0) & (values[bare] <= 1)], bare[values[bare] > 1]
    per_cent = whole or len(large) > 0
    if not whole and len(small) and len(large):
        for place in small.tolist():
            problems.append(cells.line(place, f"{zh} {values[place]:g}：该列有的大于 1，分不清是百分数还是比例",
                                       f"{en} {values[place]:g}: the column also has figures above 1: per cent or share?"))  # fmt: skip
    values[marked] /= 100
    if per_cent:
        values[bare] /= 100
    return values
