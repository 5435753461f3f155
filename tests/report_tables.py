"""Small tables made by hand for tests of reports: every column of the schema filled, what matters given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pandas as pd
import shapely
from helpers import degrees

from xiqing_space.catalog import load_catalogue
from xiqing_space.ingest.quality import COLUMNS
from xiqing_space.report.planner_tables import RunTables
from xiqing_space.schemas import TABLES
from xiqing_space.tables import finish

SQUARE = shapely.MultiPolygon([shapely.Polygon([degrees(x, y) for x, y in ((0, 0), (100, 0), (100, 100), (0, 100))])])
_SHAPES = {
    "Point": shapely.Point(degrees(50, 50)),
    "MultiPolygon": SQUARE,
    "LineString": shapely.LineString([degrees(0, 0), degrees(100, 0)]),
    "MultiLineString": shapely.MultiLineString([[degrees(0, 0), degrees(100, 0)]]),
}


@cache
def _made(name: str, rows: tuple[tuple[tuple[str, Any], ...], ...]) -> pd.DataFrame:
    return _fill(name, [dict(row) for row in rows])


def made(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A table whose rows give what matters; the rest is missing where it may be, else something that the schema takes."""
    return _made(name, tuple(tuple(row.items()) for row in rows))


def _fill(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    full = []
    for number, row in enumerate(rows):
        filled: dict[str, Any] = {}
        for column in TABLES[name].columns:
            if column.name in row:
                filled[column.name] = row[column.name]
            elif column.dtype == "geometry":
                filled[column.name] = _SHAPES[column.geometry]
            elif column.null:
                filled[column.name] = (
                    None if column.dtype == "text" else float("nan") if column.dtype == "number" else pd.NA
                )
            elif column.dtype == "text":
                filled[column.name] = column.among[0] if column.among else f"{column.name}-{number}"
            else:
                filled[column.name] = {"number": 0.0, "whole": 0, "flag": True}[column.dtype]
        full.append(filled)
    frame = pd.DataFrame(full) if full else pd.DataFrame()
    return finish(name, frame)


def share(zone: str, kind: str, standard: str, measure: str, value: float, **more: Any) -> dict[str, Any]:
    """A row of `indicators`: a share of children covered."""
    return {
        "indicator_id": "A02-coverage", "action": "2", "zone_id": zone, "zone_name": "全区" if zone == "*" else f"{zone}镇",
        "kind": kind, "age_band": "*", "measure": measure, "basis": "children", "label_zh": f"{kind}覆盖率（{measure}）",
        "value": value, "value_low": value, "value_high": value, "unit": "share", "numerator": 10 * value, "denominator": 10.0,
        "n_unknown": 0.0, "weight_kind": "persons", "standard_id": standard, "threshold": 300.0, "threshold_unit": "m",
        "variant": "", "status": "in_force", "synthetic": False,
    } | more  # fmt: skip


def small_run(*, weight: str = "persons", **tables: Sequence[Mapping[str, Any]]) -> RunTables:
    """Two zones, three homes (one of the buffer), two facilities; `tables`: rows of further tables, or other rows of these."""
    people = {"weight_kind": weight, "pop_total": 10.0, "pop_0_2": 1.0, "pop_3_5": 2.0, "pop_6_11": 3.0, "pop_12_14": 4.0,
              "pop_15_17": 5.0, "placed": True}  # fmt: skip
    rows: dict[str, Any] = {
        "area": [{"name": "试验区", "synthetic": False, "metric_epsg": 4548}],
        "zones": [{"zone_id": "e", "name": "东镇", "settlement": "urban"}, {"zone_id": "w", "name": "西镇"}],
        "demand": [
            {"demand_id": "h1", "zone_id": "e", "inside": True, **people},
            {"demand_id": "h2", "zone_id": "w", "inside": True, **people},
            {"demand_id": "h3", "zone_id": None, "inside": False, **people},
        ],
        "facilities": [
            {"facility_id": "f1", "kind": "kindergarten", "name": '=HYPERLINK("http://x","一")', "capacity_places": 90.0},
            {"facility_id": "f2", "kind": "park", "name": "公园", "status": "closed"},
        ],
        "access": [{"demand_id": "h1", "kind": "kindergarten", "profile": "walk", "distance_m": 250.0, "straight_m": 200.0}],
        "indicators": [
            share("*", "kindergarten", "kindergarten_300m", "walk", 0.5),
            share("*", "kindergarten", "kindergarten_300m", "radius", 0.75, verdict="below_recommended", wording="宜"),
            share("e", "kindergarten", "kindergarten_300m", "walk", 1.0),
            share("w", "kindergarten", "kindergarten_300m", "walk", float("nan"), reason="no_facility_mapped"),
        ],
    } | tables  # fmt: skip
    frames = {name: made(name, rows[name]) for name in TABLES if name in rows}
    quality = pd.DataFrame(
        [["date_unknown", "warning", "+x.csv", "2", "", "数据日期未注明", "no date", "填写"]], columns=list(COLUMNS)
    )
    return RunTables(frames, quality, load_catalogue())
