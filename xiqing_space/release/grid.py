"""Homes -> cells of 200 m: which cell a home lies in, what the cell is called, and its square."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees


def cell_corners(points: NDArray[np.object_], epsg: int, side: float) -> NDArray[np.float64]:
    """South-west corners of the cells in which points lie, metres; corners are whole multiples of the side.

    Parameters
    ----------
    points : array of Point
        Degrees.
    epsg : int
        The metric system.
    side : float
        Of a cell, metres.
    """
    metric = shapely.get_coordinates(project_geometry(points, GEOGRAPHIC, epsg))
    corners: NDArray[np.float64] = np.floor(np.round(metric, 3) / side) * side
    return corners


def cell_names(corners: NDArray[np.float64], zones: pd.Series) -> list[str]:
    """Stable names: hundreds of metres east and north of the corner, and the zone (a cell on a border is two)."""
    return [
        f"E{round(east / 100)}N{round(north / 100)}" + (f"/{zone}" if isinstance(zone, str) else "")
        for (east, north), zone in zip(corners, zones, strict=True)
    ]


def squares(corners: NDArray[np.float64], side: float) -> Any:
    """The cells themselves, metres."""
    return shapely.box(corners[:, 0], corners[:, 1], corners[:, 0] + side, corners[:, 1] + side)


def clipped_squares(
    corners: NDArray[np.float64], side: float, zone_of: pd.Series, zones: gpd.GeoDataFrame, epsg: int
) -> NDArray[np.object_]:
    """The part of every cell that lies in its zone, degrees, as MultiPolygon; whole where nothing of it does."""
    whole = squares(corners, side)
    shapes = dict(zip(zones["zone_id"], project_geometry(zones.geometry.to_numpy(), GEOGRAPHIC, epsg), strict=True))
    for zone, shape in shapes.items():
        mine = np.flatnonzero((zone_of == zone).to_numpy(dtype=bool))
        shapely.prepare(shape)
        across = mine[~shapely.contains_properly(shape, whole[mine])]
        parts = shapely.intersection(whole[across], shape)
        whole[across] = np.where(shapely.area(parts) > 1.0, parts, whole[across])
    return np.asarray([_polygons(one) for one in to_degrees(whole, epsg)], dtype=object)


def _polygons(shape: Any) -> shapely.MultiPolygon:
    parts = [one for one in shapely.get_parts(shape) if one.geom_type == "Polygon" and one.area > 0]
    return shapely.MultiPolygon(parts)
