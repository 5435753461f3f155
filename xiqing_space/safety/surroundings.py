"""What lies round a school's gate, by the distance along the street: premises to verify, open water beside the way.

What is mapped may be closed, moved or something else, and what is not mapped may be there: these are places for somebody to look
at. Printed are counts only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.links import Segments
from xiqing_space.network.pairs import Owned, PairSearch
from xiqing_space.network.reach import Seeds, nearest_along
from xiqing_space.safety.gate_places import Places, Roads

_STEP_M = 5.0  # ways are looked at each few metres for water beside them


def things_near(
    places: Places, surroundings: pd.DataFrame, roads: Roads, catalogue: Catalogue, limit_m: float
) -> pd.DataFrame:
    """Things within a distance of each gate along the street, the gate's own leg left out and the thing's included.

    Parameters
    ----------
    places : Places
    surroundings : DataFrame
        The table of that name.
    roads : Roads
    catalogue : Catalogue
        `gate_streets.link_max_m`: things farther than this from every street are left out.
    limit_m : float
        Farthest distance, included.

    Returns
    -------
    DataFrame
        gate (row of the places), thing_id, what, distance_m; by gate, distance and id.
    """
    columns = ["gate", "thing_id", "what", "distance_m"]
    ordered = surroundings.sort_values("thing_id", ignore_index=True)
    thing, seeds = _linked(ordered["geometry"].to_numpy(dtype=object), roads, catalogue.gate_streets.link_max_m)
    rows, own = places.on(roads.walk, "walk")
    if not len(thing) or not len(rows):
        return pd.DataFrame(
            {"gate": np.zeros(0, dtype=np.int64), "thing_id": [], "what": [], "distance_m": np.zeros(0)}
        )
    search = PairSearch(roads.walk, Owned(seeds, thing, len(ordered)))
    pairs = search.pairs(Owned(own, np.arange(len(rows)), len(rows)), limit_m)
    frame = pd.DataFrame({
        "gate": rows[pairs.site],
        "thing_id": ordered["thing_id"].to_numpy(dtype=object)[pairs.home],
        "what": ordered["what"].to_numpy(dtype=object)[pairs.home],
        "distance_m": pairs.distance_m,
    })  # fmt: skip
    return frame.sort_values(["gate", "distance_m", "thing_id"], ignore_index=True)[columns]


def nearest_things(near: pd.DataFrame, count: int) -> pd.DataFrame:
    """The nearest few things of each sort at each gate, for the office's own verification and never for print.

    Parameters
    ----------
    near : DataFrame
        `things_near`.
    count : int
        How many of each sort.
    """
    return near.groupby(["gate", "what"], sort=True).head(count).reset_index(drop=True)


def water_near(
    places: Places, barriers: pd.DataFrame, roads: Roads, limit_m: float, beside_m: float
) -> NDArray[np.float64]:
    """Distance along the street from each gate to the nearest stretch that runs beside open water; NaN beyond the limit.

    Bridges and tunnels are no stretches beside water. Whether there is a railing, the map does not say.

    Parameters
    ----------
    places : Places
    barriers : DataFrame
        The table of that name; those carried on a bridge do not count.
    roads : Roads
    limit_m : float
        Farthest distance along the street, included.
    beside_m : float
        How near to the water a way is beside it.

    Returns
    -------
    float64 (gates,)
        To about 5 m: ways are looked at each so many metres.
    """
    found = np.full(len(places.frame), np.nan)
    rows, own = places.on(roads.walk, "walk")
    water = barriers[((barriers["barrier"] == "water") & ~barriers["bridge"].to_numpy(dtype=bool)).to_numpy(dtype=bool)]
    if not len(rows) or not len(water):
        return found
    near = roads.near(places.frame["geometry"].to_numpy(dtype=object)[rows], limit_m + 250.0)
    table = roads.table
    open_ = (table["walk"].eq(True) & ~table["bridge"].eq(True) & ~table["tunnel"].eq(True)).to_numpy(dtype=bool)
    near = near[open_[near]]
    tree = Segments(project_geometry(water["geometry"].to_numpy(dtype=object), GEOGRAPHIC, roads.epsg)).tree
    lines = roads.metric(near)
    close = np.unique(tree.query(lines, predicate="dwithin", distance=beside_m)[0])
    if not len(close):
        return found
    edge, place = _stations(lines[close])
    points = shapely.line_interpolate_point(lines[close][edge], place)
    wet = np.unique(tree.query(points, predicate="dwithin", distance=beside_m)[0])
    graph_row = pd.Index(roads.walk.edge_id).get_indexer(roads.ids[near[close]]).astype(np.int64)[edge[wet]]
    seeds = Seeds(graph_row, np.minimum(place[wet], roads.walk.length_m[graph_row]), np.zeros(len(wet)))
    distance, _ = nearest_along(roads.walk, seeds, own, limit_m)
    found[rows] = np.where(np.isfinite(distance), distance, np.nan)
    return found


def _stations(lines: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places each few metres along lines, both ends included: row of the line, metres along it."""
    length = shapely.length(lines)
    steps = np.ceil(length / _STEP_M).astype(np.int64) + 1
    row = np.repeat(np.arange(len(lines)), steps)
    at = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    return row, length[row] * at / np.maximum(steps[row] - 1, 1)


def _linked(points: Any, roads: Roads, max_m: float) -> tuple[NDArray[np.int64], Seeds]:
    """Points (EPSG:4326) put on the nearest walkable edge: which of them have one, and where."""
    near = roads.near(points, max_m)
    near = near[roads.table["walk"].eq(True).to_numpy(dtype=bool)[near]]
    if not len(near):
        return np.zeros(0, dtype=np.int64), Seeds(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    lines, own = roads.metric(near), project_geometry(np.asarray(points, dtype=object), GEOGRAPHIC, roads.epsg)
    point, line = shapely.STRtree(lines).query_nearest(own, max_distance=max_m, all_matches=True)
    order = np.lexsort((line, point))
    point, line = point[order], line[order]
    first = np.concatenate([[True], point[1:] != point[:-1]]) if len(point) else np.zeros(0, dtype=bool)
    point, line = point[first], line[first]
    edge = pd.Index(roads.walk.edge_id).get_indexer(roads.ids[near[line]]).astype(np.int64)
    place = np.minimum(shapely.line_locate_point(lines[line], own[point]), roads.walk.length_m[edge])
    return point.astype(np.int64), Seeds(edge, place, shapely.distance(lines[line], own[point]))
