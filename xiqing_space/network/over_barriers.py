"""Where the walking network crosses water, rail or a motorway, and how the map says it gets over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, points_of, project_geometry, to_degrees

ON_NODE_M = 0.01  # a street that is cut on a barrier shares a node with it
AT_PLACE_M = 5.0  # a mapped level crossing or ford belongs to a meeting when it lies this near to it
_MARKS = {"level": "rail", "ford": "water"}


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
    at_nodes = _across_at_nodes(edges, lines, shapes, areal, line_row[~crosses], barrier_row[~crosses])
    pairs = np.unique(np.concatenate([np.stack([line_row[crosses], barrier_row[crosses]], axis=1), at_nodes]), axis=0)
    line_row, barrier_row = pairs[:, 0], pairs[:, 1]
    edge, barrier = edges.iloc[line_row], found.iloc[barrier_row]
    meeting = shapely.intersection(lines[line_row], shapes[barrier_row])
    way_over = np.full(len(edge), None, dtype=object)
    for kind, here in _places_on(meeting, places, metric_epsg).items():
        way_over[here & (barrier["barrier"] == _MARKS[kind]).to_numpy()] = kind
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


def _across_at_nodes(
    edges: pd.DataFrame, lines: Any, shapes: Any, areal: Any, line_row: Any, barrier_row: Any
) -> NDArray[np.int64]:
    """Edges that end on a barrier drawn as a line, where others go on from there on its other side.

    Streets are often cut just where they cross a railway. Of the two sides the one with fewer edges is named: closing it
    closes the crossing.

    Returns
    -------
    int64 (k, 2)
        Rows of edge and barrier.
    """
    ends: dict[tuple[str, int], list[tuple[float, str, int]]] = {}
    names = edges["edge_id"].to_numpy(dtype=object)
    nodes = {0: edges["u"].to_numpy(dtype=object), -1: edges["v"].to_numpy(dtype=object)}
    for edge, barrier in zip(line_row.tolist(), barrier_row.tolist(), strict=True):
        if areal[barrier]:
            continue
        for end, inner in ((0, 1), (-1, -2)):
            node = shapely.get_point(lines[edge], end)
            if shapely.distance(node, shapes[barrier]) <= ON_NODE_M:
                side = _side_of(shapes[barrier], node, shapely.get_point(lines[edge], inner))
                ends.setdefault((nodes[end][edge], barrier), []).append((side, names[edge], edge))
    found = []
    for (_, barrier), here in sorted(ends.items()):
        left, right = ([one for one in here if one[0] * sign > 0] for sign in (1, -1))
        if left and right:
            few = min(left, right, key=lambda side: (len(side), min(one[1] for one in side)))
            found += [(edge, barrier) for _, _, edge in few]
    return np.asarray(found, dtype=np.int64).reshape(-1, 2)


def _side_of(barrier: Any, node: Any, beyond: Any) -> float:
    """On which side of a line, at a place on it, a point lies: positive left, negative right, 0 along it."""
    parts = shapely.get_parts(barrier)
    line = parts[int(np.argmin(shapely.distance(parts, node)))]
    at = shapely.line_locate_point(line, node)
    ahead = [
        shapely.get_coordinates(shapely.line_interpolate_point(line, max(at + step, 0.0)))[0] for step in (-0.5, 0.5)
    ]
    way, out = ahead[1] - ahead[0], shapely.get_coordinates(beyond)[0] - shapely.get_coordinates(node)[0]
    turn = float(way[0] * out[1] - way[1] * out[0])
    return 0.0 if abs(turn) < 1e-6 else turn


def _places_on(meeting: Any, places: pd.DataFrame, metric_epsg: int) -> dict[str, NDArray[np.bool_]]:
    """Which meetings of edge and barrier have a level crossing, and which a ford, at the very place."""
    result = {}
    tree = shapely.STRtree(meeting)
    for kind, group in places.groupby("way_over"):
        points = project_geometry(points_of(group), GEOGRAPHIC, metric_epsg)
        here = np.zeros(len(meeting), dtype=bool)
        here[tree.query(points, predicate="dwithin", distance=AT_PLACE_M)[1]] = True
        result[str(kind)] = here
    return result
