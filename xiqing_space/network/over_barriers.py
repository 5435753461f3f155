"""Where the walking network crosses water, rail or a motorway, and how the map says it gets over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees

ON_EDGE_M = 1.0  # a level crossing or ford belongs to an edge when it lies this near to it


def find_barrier_crossings(
    streets: pd.DataFrame, barriers: pd.DataFrame, places: pd.DataFrame, metric_epsg: int
) -> pd.DataFrame:
    """The `barrier_crossings` table (unsorted).

    Parameters
    ----------
    streets, barriers : DataFrame
        Tables, EPSG:4326.
    places : DataFrame
        Mapped level crossings and fords: `way_over` (`level` or `ford`), lon, lat.

    Notes
    -----
    `verified` says only that the map names a way over. It does not say that a child can use it.
    """
    edges = streets[streets["walk"].to_numpy(dtype=bool)]
    lines = project_geometry(edges["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    found = barriers[barriers["barrier"] != "wall"]
    shapes = project_geometry(found["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    areal = found["is_area"].to_numpy(dtype=bool)
    shapes[areal] = [shapely.build_area(shape) for shape in shapes[areal]]
    tree = shapely.STRtree(shapes)
    line_row, barrier_row = tree.query(lines, predicate="intersects")
    crosses = _through(lines[line_row], shapes[barrier_row], areal[barrier_row])
    line_row, barrier_row = line_row[crosses], barrier_row[crosses]
    edge, barrier = edges.iloc[line_row], found.iloc[barrier_row]
    meeting = shapely.intersection(lines[line_row], shapes[barrier_row])
    way_over = np.full(len(edge), None, dtype=object)
    for kind, here in _places_on(lines[line_row], places, metric_epsg).items():
        way_over[here] = kind
    way_over[barrier["bridge"].to_numpy(dtype=bool)] = "tunnel"  # the walker passes below
    way_over[edge["tunnel"].to_numpy(dtype=bool)] = "tunnel"
    way_over[edge["bridge"].to_numpy(dtype=bool)] = "bridge"
    return pd.DataFrame(
        {
            "barrier_id": barrier["barrier_id"].array,
            "edge_id": edge["edge_id"].array,
            "barrier": barrier["barrier"].array,
            "way_over": way_over,
            "verified": way_over != None,  # noqa: E711  (element-wise)
            "geometry": to_degrees(shapely.point_on_surface(meeting), metric_epsg),
        }
    )


def _through(lines: Any, shapes: Any, areal: Any) -> Any:
    """Whether a line passes through the inside of an area, or from one side of a line to the other."""
    inside = np.zeros(len(lines), dtype=bool)
    inside[areal] = shapely.length(shapely.intersection(lines[areal], shapes[areal])) > 0.5
    inside[~areal] = shapely.crosses(lines[~areal], shapes[~areal])
    return inside


def _places_on(lines: Any, places: pd.DataFrame, metric_epsg: int) -> dict[str, Any]:
    result = {}
    tree = shapely.STRtree(lines)
    for kind, group in places.groupby("way_over"):
        points = project_geometry(shapely.points(group["lon"], group["lat"]), GEOGRAPHIC, metric_epsg)
        result[str(kind)] = np.unique(tree.query(points, predicate="dwithin", distance=ON_EDGE_M)[1])
    return result
