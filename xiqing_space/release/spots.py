"""Blind spots for a public release: cells instead of outlines round homes, no number below the floor."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog.release import ReleaseRules
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.release.grid import squares
from xiqing_space.release.suppress import hide_parts, is_small


def release_spots(
    spots: gpd.GeoDataFrame, corners: np.ndarray, rules: ReleaseRules, floor: float, epsg: int
) -> gpd.GeoDataFrame:
    """Each spot as the cells that it touches; its children are missing below the floor, and where they would give others away.

    The outline of the `blind_spots` table runs round single homes, and its id names one: both are replaced.

    Parameters
    ----------
    corners : float (cells, 2)
        South-west corners of the cells in which homes lie, metres.
    """
    frame = spots.sort_values(["zone_id", "kind", "spot_id"], kind="stable").reset_index(drop=True)
    persons = (frame["weight_kind"] == "persons").to_numpy(dtype=bool)
    homes = frame["homes"].to_numpy(dtype=float)
    values = np.where(persons, frame["children"].to_numpy(dtype=float), homes)
    least = np.where(persons, floor, float(rules.least_homes))
    group = pd.factorize(frame["zone_id"].fillna("").astype(str) + "|" + frame["kind"])[0].astype(np.intp)
    hidden = np.zeros(len(frame), dtype=bool)
    for limit in np.unique(least):
        mine = least == limit
        hidden[mine] = hide_parts(values[mine], is_small(values[mine], float(limit)), group[mine], float(limit))
    number = frame.groupby(["zone_id", "kind"], dropna=False).cumcount() + 1
    frame["spot_id"] = [
        f"{zone if isinstance(zone, str) else ''}:{kind}:{n}"
        for zone, kind, n in zip(frame["zone_id"], frame["kind"], number, strict=True)
    ]
    frame["children"] = frame["children"].mask(hidden)
    frame["homes"] = pd.array([None] * len(frame), dtype="Int64")
    frame["geometry"] = gpd.array.from_shapely(_cells_of(frame, corners, rules.cell_m, epsg), crs=4326)
    return frame.sort_values("spot_id", kind="stable", ignore_index=True)


def _cells_of(spots: gpd.GeoDataFrame, corners: np.ndarray, side: float, epsg: int) -> np.ndarray:
    """Cells with homes that every spot touches, as one MultiPolygon."""
    shapes = project_geometry(spots.geometry.to_numpy(), GEOGRAPHIC, epsg)
    boxes = squares(corners, side)
    spot, cell = shapely.STRtree(boxes).query(shapes, predicate="intersects")
    order = np.lexsort([cell, spot])
    found = np.split(boxes[cell[order]], np.searchsorted(spot[order], np.arange(1, len(shapes)))) if len(shapes) else []
    joined = np.asarray([shapely.union_all(some) for some in found], dtype=object)
    degrees = to_degrees(joined, epsg) if len(joined) else joined
    return np.asarray(
        [
            shapely.MultiPolygon([one for one in shapely.get_parts(shape) if one.geom_type == "Polygon"])
            for shape in degrees
        ],
        dtype=object,
    )
