"""Homes, zones and what sources say of their people, drawn in metres: what `spread_people` reads; and its call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.people import OUT, spread_people
from xiqing_space.ingest.people_sources import Basis, CompoundPeople, PeopleSources, RasterPeople, ZonePeople
from xiqing_space.ingest.people_steps import columns
from xiqing_space.ingest.quality import Quality
from xiqing_space.ingest.raster import RasterCells

EPSG = 4548
EAST, NORTH = 500_000.0, 4_330_000.0
BASIS = Basis("resident", 2020)
BANDS = columns()[1:]
CHILDREN = {"pop_0_2": 30.0, "pop_3_5": 30.0, "pop_6_11": 60.0, "pop_12_14": 30.0, "pop_15_17": 30.0}


def rect(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in metres."""
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def lonlat(shape: Any) -> Any:
    """A shape in degrees."""
    return project_geometry(shape, EPSG, GEOGRAPHIC)


def area_of(shape: Any, buffer_m: float = 500.0) -> Area:
    """The area within a shape."""
    return Area("区", lonlat(shape), EPSG, shape, shape.buffer(buffer_m))


def zones_of(shapes: Mapping[str, Any], parents: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Zones by id and shape."""
    return pd.DataFrame(
        {
            "zone_id": list(shapes), "name": [f"{one}镇" for one in shapes],
            "parent_id": [(parents or {}).get(one) for one in shapes],
            "geometry": [shapely.MultiPolygon([lonlat(one)]) for one in shapes.values()],
        }
    )  # fmt: skip


def homes_of(rows: Sequence[tuple[str, str | None, str | None, bool, float, float, float]]) -> pd.DataFrame:
    """id, zone, compound, inside, weight, x, y."""
    frame = pd.DataFrame(rows, columns=["demand_id", "zone_id", "compound_id", "inside", "weight", "x", "y"])
    points = shapely.points(EAST + frame.pop("x").to_numpy(dtype=float), NORTH + frame.pop("y").to_numpy(dtype=float))
    return frame.assign(geometry=lonlat(points))


def zone_table(rows: Sequence[Mapping[str, Any]], basis: Basis = BASIS) -> ZonePeople:
    """What a table of zones states, from row 2 on."""
    frame = pd.DataFrame([{"row": str(place + 2), **row} for place, row in enumerate(rows)])
    return ZonePeople(frame, basis, "zones.xlsx")


def compound_table(rows: Sequence[Mapping[str, Any]]) -> CompoundPeople:
    """What a table of compounds states, from row 2 on."""
    return CompoundPeople(
        pd.DataFrame([{"row": str(place + 2), **row} for place, row in enumerate(rows)]), BASIS, "c.xlsx"
    )


TWO = {"a": rect(0, 0, 1000, 1000), "b": rect(1000, 0, 2000, 1000)}
AREA = area_of(rect(0, 0, 2000, 1000))
HOMES = homes_of(
    [
        ("h1", "a", None, True, 100.0, 100, 100), ("h2", "a", None, True, 300.0, 300, 100),
        ("h3", "b", None, True, 50.0, 1200, 100), ("h4", None, None, False, 40.0, 2100, 100),
    ]
)  # fmt: skip


def spread(
    homes: pd.DataFrame, sources: PeopleSources, zones: Any = None, area: Area = AREA, masked: Any = None
) -> Any:
    """The people of each home, and the first doubt of each check."""
    quality = Quality()
    frame = spread_people(homes, sources, zones_of(TWO) if zones is None else zones, area, quality, masked_land=masked)
    assert tuple(frame.columns) == OUT
    assert frame["demand_id"].is_unique
    doubts: dict[str, Any] = {}
    for row in quality.rows:
        doubts.setdefault(row["check"], row)
    return frame.set_index("demand_id"), doubts


def both(**more: Any) -> list[dict[str, Any]]:
    """Rows of both zones; `more`: what the second one states besides."""
    return [{"zone_id": "a", "pop_total": 1000.0, **CHILDREN}, {"zone_id": "b", "pop_total": 200.0, **CHILDREN, **more}]


def raster_of(
    values: Sequence[Sequence[float]], *, west: float = 0, north: float = 1000, size: float = 500.0
) -> RasterPeople:
    """A grid in the metric system; NaN is no data. Each cell states people and half as many, in equal bands, as children."""
    from pyproj import CRS

    grid = np.asarray(values, dtype=float)
    row, col = np.nonzero(grid > 0)
    people = grid[row, col]
    ages = {"0-2": 3, "3-5": 3, "6-11": 6, "12-14": 3, "15-17": 3}
    frame = pd.DataFrame({"row": row, "col": col, "pop_total": people, **{
        key: people / 2 * many / 18 for key, many in ages.items()}})  # fmt: skip
    transform = (size, 0.0, EAST + west, 0.0, -size, NORTH + north)
    cells = RasterCells(frame, transform, CRS.from_epsg(EPSG).to_wkt(), (0, 0), ~np.isnan(grid), "people.tif")
    return RasterPeople(cells, BASIS, "people.tif")
