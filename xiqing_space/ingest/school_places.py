"""Lists with places round schools: gates and crossings with a 护学岗, and premises that the rules speak of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.datums import Datum, check_axis, to_wgs84
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.ingest.columns import Cells, find_columns, read_places, read_words
from xiqing_space.ingest.datum_check import check_datum
from xiqing_space.ingest.datum_evidence import Reference
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.school_lists import stem_of
from xiqing_space.ingest.school_names import Schools
from xiqing_space.ingest.sheets import Sheet

SURVEY_COLUMNS = ("item_id", "item_type", "field", "value", "tag_value", "conflict", "surveyed_on", "source")
PREMISES_COLUMNS = ("thing_id", "what", "source", "geometry")
_PLACES = ("lon", "lat", "lonlat", "x", "y")
GUARD_M = 50.0  # 护学岗 stand within so many metres of a gate (行动20)
TOO_FAR_M = 500.0  # a guard farther from its school than this is somewhere else
_SPARE_DEG = 0.5


@dataclass(frozen=True)
class Surveyable:
    """What a guard can stand at, EPSG:4326.

    Attributes
    ----------
    sites : DataFrame
        site_id, geometry: ground, or point where a school has none.
    gates : DataFrame
        gate_id, owner_id, geometry: surveyed ones.
    crossings : DataFrame
        crossing_id, geometry: mapped ones.
    """

    sites: pd.DataFrame
    gates: pd.DataFrame
    crossings: pd.DataFrame


def _positions(
    sheet: Sheet, found: Mapping[str, str], datum: Datum | None, bounds: tuple[float, float, float, float], section: str,
    quality: Quality,
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:  # fmt: skip
    """Longitude and latitude of each row in WGS-84, NaN where it has none; and the numbers as they were read."""
    x, y, problems = read_places(sheet, found, quality)
    if problems:
        raise InputDataError(
            f"{len(problems)} 行坐标有误 / the coordinates of {len(problems)} rows are at fault", where=sheet.source, first=problems,
            todo="改正坐标，或改正 datum / correct the coordinates or datum",
        )  # fmt: skip
    if not np.isfinite(x).any():
        return x, y, (x, y)
    if datum is None:
        raise ConfigError(
            "名单有坐标，但未写明坐标系 / the list has coordinates but its datum is not stated", where=sheet.source,
            todo=f'在该 [[{section}]] 中写 datum = "GCJ-02"（高德、腾讯）、"BD-09"（百度）、"WGS-84" 或 "EPSG:4548" 等 / '
            f'state datum = "GCJ-02", "BD-09", "WGS-84", "EPSG:4548" … in this [[{section}]]',
        )  # fmt: skip
    west, south, east, north = bounds
    axis = check_axis(datum, x, y, (west - _SPARE_DEG, south - _SPARE_DEG, east + _SPARE_DEG, north + _SPARE_DEG))
    if axis.kind in ("swapped", "prefix"):
        check = "axes_swapped" if axis.kind == "swapped" else "zone_prefix"
        quality.add(
            check, source=sheet.source, datum=(axis.read_as.zh, str(axis.read_as)), declared=(datum.zh, str(datum))
        )
    x, y = (y, x) if axis.swap else (x, y)
    if axis.rows and len(axis.rows) == int(np.isfinite(x).sum()):
        raise InputDataError(
            f"所有坐标都不在评估范围附近（按 {datum.zh} 读取）/ no coordinate lies near the study area (read as {datum})",
            where=sheet.source, first=[f"第 {sheet.rows[at]} 行 / row {sheet.rows[at]}: {x[at]:g}, {y[at]:g}" for at in axis.rows],
            todo="检查 datum 与评估范围 / check datum and the study area",
        )  # fmt: skip
    x, y = x.copy(), y.copy()
    for at in axis.rows:
        quality.add("place_far", source=sheet.source, row=str(sheet.rows[at]), name="", x=f"{x[at]:g}", y=f"{y[at]:g}")
        x[at] = y[at] = np.nan
    lon, lat = to_wgs84(axis.read_as, x, y)
    return np.asarray(lon), np.asarray(lat), (x, y)


# ---- premises


def read_premises(
    sheet: Sheet, path: Path, datum: Datum | None, bounds: tuple[float, float, float, float], reference: Reference | None,
    quality: Quality, *, what: str | None = None, columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Premises of a list as rows of `surroundings`: what and where, never a name or an address.

    They are points to verify: that a list names an internet café says nothing of whether it is open, or breaks a rule.

    Parameters
    ----------
    what : str, optional
        What all of them are; by default the column of kinds tells, and rows of other kinds are left out and counted.
    reference : Reference, optional
        Streets and buildings, against which the datum is held.

    Raises
    ------
    ConfigError
        No datum.
    InputDataError
        No coordinates, no column of kinds, no row of a known kind, coordinates that are none.
    """
    found = find_columns(sheet, ("name", "kind", *_PLACES), columns, required=() if what else ("kind",))
    sheet.note_doubts(quality)
    lon, lat, raw = _positions(sheet, found, datum, bounds, "routes.surroundings", quality)
    placed = np.isfinite(lon) & np.isfinite(lat)
    if not placed.any():
        raise InputDataError(
            "名单没有可用的坐标 / the list has no coordinates that can be used", where=sheet.source,
            first=[str(one) for one in sheet.frame.columns], todo="加上经度、纬度两列 / add columns of longitude and latitude",
        )  # fmt: skip
    if not placed.all():
        quality.add("premises_unplaced", source=sheet.source, n=int((~placed).sum()))
    words = [(what, None)] * len(placed) if what else read_words(sheet, found.get("kind"), "premise")
    meaning = np.asarray([one for one, _ in words], dtype=object)
    unknown = Counter(
        (text or "—")[:40] for (one, text), there in zip(words, placed, strict=True) if one is None and there
    )
    for text, count in sorted(unknown.items()):
        quality.add("premises_unknown", source=sheet.source, value=text, n=count)
    keep = placed & (meaning != None)  # noqa: E711  (element-wise)
    if not keep.any():
        raise InputDataError(
            "没有一行能判断是哪类场所 / no row tells what it is", where=sheet.source, first=sorted(unknown),
            todo='在设置中写 what = "internet_cafe" 等，或改正“类别”列 / state what in the config, or correct the column of kinds',
        )  # fmt: skip
    if reference is not None and datum is not None:
        checked = check_datum(raw[0][keep], raw[1][keep], datum, reference)
        if checked.verdict == "plainly_better":
            quality.add("datum_doubtful", source=sheet.source, datum=(datum.zh, str(datum)), detail=checked.words)
    stem = stem_of(sheet, path)
    points = to_degrees(shapely.points(lon[keep], lat[keep]), GEOGRAPHIC)
    ids = [f"{stem}:{sheet.rows[at]}" for at in np.flatnonzero(keep).tolist()]
    return pd.DataFrame({"thing_id": ids, "what": meaning[keep], "source": path.name, "geometry": points})


# ---- 护学岗


def read_guards(
    sheet: Sheet, schools: Schools, there: Surveyable, datum: Datum | None, bounds: tuple[float, float, float, float],
    metric_epsg: int, quality: Quality, *, columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Gates and crossings with a guard as rows of `street_survey`: field guard, value yes.

    A guard with coordinates stands at the school's nearest surveyed gate within 50 m, and at every mapped crossing within
    50 m; where no surveyed gate is near, or there are no coordinates, the row names the school (item_id its site_id, item_type
    gate), which means all its gates. That a school is not listed does not mean that it has no guard.

    Raises
    ------
    InputDataError
        No column of schools, rows with coordinates but no school, coordinates that are none.
    """
    found = find_columns(sheet, ("assigned_school", "name", *_PLACES), columns)
    school = found.get("name", found.get("assigned_school"))
    if school is None:
        raise InputDataError(
            "没有学校列 / there is no column of schools", where=sheet.source, first=[str(one) for one in sheet.frame.columns],
            todo='在设置中写 columns = { name = "列名" } / state it by columns = { name = "…" }',
        )  # fmt: skip
    sheet.note_doubts(quality)
    names = Cells(sheet, quality).text(school)
    lon, lat, _ = _positions(sheet, found, datum, bounds, "routes.guards", quality)
    placed = np.isfinite(lon) & np.isfinite(lat)
    bare = [row for row, name, one in zip(sheet.rows, names, placed, strict=True) if name is None and one]
    if bare:
        raise InputDataError(
            f"{len(bare)} 行没有学校 / {len(bare)} rows name no school", where=sheet.source,
            first=[f"第 {row} 行 / row {row}" for row in bare], todo="补上学校名称 / add the school",
        )  # fmt: skip
    points = project_geometry(
        shapely.points(np.where(placed, lon, 0.0), np.where(placed, lat, 0.0)), GEOGRAPHIC, metric_epsg
    )
    at = _Posts(there, metric_epsg)
    rows: list[tuple[Any, ...]] = []
    for place, (row, name) in enumerate(zip(sheet.rows, names, strict=True)):
        if name is None:
            continue
        known = schools.find(name)
        if known.site_id is None:
            quality.add("school_unmatched", source=sheet.source, row=str(row), name=name[:60], why=known.why)
            continue
        point = points[place] if placed[place] else None
        items = at.items(known.site_id, name, point, sheet.source, str(row), quality)
        rows += [(item, kind, "guard", "yes", None, False, None, f"{sheet.source}:{row}") for item, kind in items]
    frame = pd.DataFrame(rows, columns=list(SURVEY_COLUMNS), dtype=object)
    return frame.drop_duplicates(["item_id", "field"], ignore_index=True)


class _Posts:
    """Gates and crossings in metres."""

    def __init__(self, there: Surveyable, metric_epsg: int) -> None:
        def metric(frame: pd.DataFrame) -> Any:
            return project_geometry(frame["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)

        self._site = dict(zip(there.sites["site_id"], metric(there.sites), strict=True))
        gates = there.gates.sort_values("gate_id", kind="stable")
        self._gate: dict[str, list[tuple[str, Any]]] = {}
        for name, owner, point in zip(gates["gate_id"], gates["owner_id"], metric(gates), strict=True):
            self._gate.setdefault(owner, []).append((name, point))
        crossings = there.crossings.sort_values("crossing_id", kind="stable")
        self._crossing = crossings["crossing_id"].tolist()
        self._tree = shapely.STRtree(metric(crossings))

    def items(self, site: str, name: str, point: Any, source: str, row: str, quality: Quality) -> list[tuple[str, str]]:
        """Ids and types of what a guard of a school stands at."""
        about = {"source": source, "row": row, "id": site, "name": name[:60]}
        if point is not None and (away := float(shapely.distance(self._site[site], point))) > TOO_FAR_M:
            quality.add("guard_far", **about, distance_m=f"{away:.0f}")
            point = None
        gate = self._near_gate(site, point)
        if gate is None:
            quality.add("guard_at_school", **about)
        return [(gate or site, "gate"), *((one, "crossing") for one in self._near_crossings(point))]

    def _near_gate(self, site: str, point: Any) -> str | None:
        """The school's nearest surveyed gate within reach."""
        if point is None:
            return None
        near = [(float(shapely.distance(one, point)), name) for name, one in self._gate.get(site, [])]
        return min(near)[1] if near and min(near)[0] <= GUARD_M else None

    def _near_crossings(self, point: Any) -> list[str]:
        """Mapped crossings within reach."""
        if point is None:
            return []
        return [
            self._crossing[one]
            for one in sorted(self._tree.query(point, predicate="dwithin", distance=GUARD_M).tolist())
        ]
