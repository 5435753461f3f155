"""The streets and crossings of a graph as those who work on them see them: halves of one crossing, junctions, stretches of a street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project, project_geometry
from xiqing_space.network.graph import spread
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.safety.way_values import WayValues
from xiqing_space.safety.work_scores import OF_CROSSING, OF_STREET

_ALONG_LEG_M = 5.0
_CROSSING = (
    "crossing_id",
    "mapped",
    "node_id",
    "road_edge_ids",
    "pair_id",
    "share",
    "width_m",
    "geometry",
    *OF_CROSSING,
)
_STREET = ("edge_id", "road_class", "beside_edge_id", *OF_STREET)


@dataclass(frozen=True)
class Ways:
    """Streets and crossings of a graph, in its order, and how much pupils use them.

    Items are edges of the graph (their row) and crossings (their row + edges).

    Attributes
    ----------
    graph : SidedGraph
    values : WayValues
    streets : DataFrame
        Attributes by edge of the graph, with `road`: the edge itself, or the road beside which it is drawn.
    roads : DataFrame
        Attributes of every such road, with its `length_m, u, v, street` (what is one street: class and name, else number, else OSM way) and `x, y`
        of its middle, metric.
    crossings : DataFrame
        The table, by crossing of the graph.
    places : object (c,)
        Points of the crossings that pupils use and of halves, metric; None elsewhere.
    heading : float64 (c, 2)
        Of halves: the direction in which the first of the road's edges is drawn.
    spot : float64 (c, 2)
        Of halves: a place on the crossing, metric. At a junction that is a little way along the leg, for all legs begin at one point.
    exposure : float64 (edges + crossings,)
        Pupils × how much of the score counts in the risk of their routes; what nobody passes has 0.
    """

    graph: SidedGraph
    values: WayValues
    streets: pd.DataFrame
    roads: pd.DataFrame
    crossings: pd.DataFrame
    places: NDArray[np.object_]
    heading: NDArray[np.float64]
    spot: NDArray[np.float64]
    exposure: NDArray[np.float64]

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.graph.edge_id)

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores of all items."""
        return np.concatenate([self.values.along, self.values.cross])


def read_ways(
    graph: SidedGraph, values: WayValues, streets: pd.DataFrame, attributes: pd.DataFrame, crossings: pd.DataFrame,
    exposure: NDArray[np.float64], metric_epsg: int,
) -> Ways:  # fmt: skip
    """Tables in the order of the graph.

    Parameters
    ----------
    streets, attributes, crossings : DataFrame
        Tables `streets`, `street_attributes` and `crossings`.
    exposure : float64 (edges + crossings,)
    metric_epsg : int
    """
    at = pd.Index(attributes["edge_id"]).get_indexer(pd.Index(graph.edge_id))
    mine = attributes[list(_STREET)].iloc[at].reset_index(drop=True)
    mine["road"] = mine["beside_edge_id"].fillna(mine["edge_id"])
    at = pd.Index(crossings["crossing_id"]).get_indexer(pd.Index(graph.crossing_id))
    over = pd.DataFrame(crossings[list(_CROSSING)]).iloc[at].reset_index(drop=True)
    half = _halves(over)
    needed = np.union1d(half, np.flatnonzero(exposure[len(mine) :] > 0))
    places = np.full(len(over), None, dtype=object)
    places[needed] = project_geometry(over["geometry"].to_numpy(dtype=object)[needed], GEOGRAPHIC, metric_epsg)
    first = over["road_edge_ids"].iloc[half].str.split("|").str[0]
    lines = streets["geometry"].to_numpy(dtype=object)[pd.Index(streets["edge_id"]).get_indexer(pd.Index(first))]
    heading = np.zeros((len(over), 2))
    ends = _ends(lines, metric_epsg)
    heading[half] = ends[1] - ends[0]
    spot = np.full((len(over), 2), np.nan)
    spot[half] = shapely.get_coordinates(places[half])
    away = ends.mean(axis=0) - spot[half]
    mouth = (over["place"].eq("junction") & ~over["mapped"].astype(bool)).to_numpy()[half]
    spot[half[mouth]] += _ALONG_LEG_M * (away / np.maximum(np.hypot(*away.T), 1e-9)[:, None])[mouth]
    roads = _roads(streets, attributes, set(mine.loc[exposure[: len(mine)] > 0, "road"]), metric_epsg)
    return Ways(graph, values, mine, roads, over, places, heading, spot, exposure)


def _ends(lines: NDArray[np.object_], metric_epsg: int) -> NDArray[np.float64]:
    """First and last points of lines, metric; float64 (2, n, 2)."""
    points = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)])
    return project(points, GEOGRAPHIC, metric_epsg).reshape(2, -1, 2)


def _roads(streets: pd.DataFrame, attributes: pd.DataFrame, wanted: set[str], metric_epsg: int) -> pd.DataFrame:
    found = attributes.loc[attributes["edge_id"].isin(wanted), list(_STREET)].reset_index(drop=True)
    rows = streets.iloc[pd.Index(streets["edge_id"]).get_indexer(pd.Index(found["edge_id"]))]
    name = rows["name"].fillna(rows["ref"]).fillna(rows["osm_id"]).to_numpy(dtype=object)
    middle = _ends(rows["geometry"].to_numpy(dtype=object), metric_epsg).mean(axis=0)
    return found.assign(
        length_m=rows["length_m"].array, u=rows["u"].array, v=rows["v"].array, x=middle[:, 0], y=middle[:, 1],
        street=pd.Series(name, dtype=object).str.cat(rows["highway"].to_numpy(dtype=object), sep="/").array,
    )  # fmt: skip


def _halves(crossings: pd.DataFrame) -> NDArray[np.int64]:
    """Crossings that are one carriageway of two."""
    return np.flatnonzero((crossings["share"].to_numpy(dtype=float) < 1.0) & crossings["pair_id"].notna().to_numpy())


def with_other_half(
    ways: Ways, at: NDArray[np.int64], catalogue: Catalogue
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each crossing with itself and, where it is one half, with the nearest crossing of the opposite carriageway."""
    table = ways.crossings
    half = _halves(table)
    mine = at[np.isin(at, half)]
    if not len(mine):
        return at, at
    pair = pd.factorize(table["pair_id"])[0]
    reach = 2.0 * catalogue.safety["roads"]["pair_gap_max_m"]
    one, other = shapely.STRtree(ways.places[half]).query(ways.places[mine], predicate="dwithin", distance=reach)
    one, other = mine[one], half[other]
    facing = (ways.heading[one] * ways.heading[other]).sum(axis=1) < 0
    kept = (pair[one] == pair[other]) & facing
    one, other = one[kept], other[kept]
    far = np.round(np.hypot(*(ways.spot[one] - ways.spot[other]).T), 3)
    order = np.lexsort((other, far, one))
    one, other = one[order], other[order]
    first = np.ones(len(one), dtype=bool)
    first[1:] = one[1:] != one[:-1]
    return np.concatenate([at, one[first]]), np.concatenate([at, other[first]])


def with_junction(
    ways: Ways, target: NDArray[np.int64], item: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every other crossing of the junctions at which the items lie."""
    graph = ways.graph
    change = np.flatnonzero((graph.edge < 0) & (graph.crossing >= 0))
    node = pd.factorize(graph.node_id[graph.tail[change]])[0].astype(np.int64)
    size = max(len(graph.crossing_id), 1)
    both = np.unique(node * size + graph.crossing[change])
    junction = (ways.crossings["place"] == "junction").to_numpy(dtype=bool)
    both = both[junction[both % size]]
    by_node = (both // size, both % size)
    order = np.argsort(by_node[1], kind="stable")
    nodes, crossing = by_node[0][order], by_node[1][order]
    low, high = (np.searchsorted(crossing, item, side) for side in ("left", "right"))
    of, at = np.repeat(target, high - low), nodes[spread(low, high - low)]
    low, high = (np.searchsorted(by_node[0], at, side) for side in ("left", "right"))
    of, others = np.repeat(of, high - low), by_node[1][spread(low, high - low)]
    key = np.unique(np.concatenate([target, of]) * size + np.concatenate([item, others]))
    return key // size, key % size


def stretches(roads: pd.DataFrame, most_m: float) -> NDArray[np.int64]:
    """Number of the stretch that each road belongs to: those of one street that hang together, cut about every `most_m` metres.

    Parameters
    ----------
    roads : DataFrame
        Rows of `Ways.roads`.
    most_m : float
        Longest extent of a stretch from west to east, or from south to north where the street runs so.
    """
    count = len(roads)
    if not count:
        return np.zeros(0, dtype=np.int64)
    node = pd.factorize(np.concatenate([roads["u"].to_numpy(dtype=object), roads["v"].to_numpy(dtype=object)]))[0]
    street = pd.factorize(roads["street"])[0]
    # a road joins at its nodes whatever is of the same street there
    corner = np.unique(np.tile(street, 2) * (node.max() + 1) + node, return_inverse=True)[1]
    size = count + int(corner.max()) + 1
    joined = coo_array((np.ones(2 * count), (np.tile(np.arange(count), 2), count + corner)), shape=(size, size))
    part = connected_components(joined, directed=False)[1][:count]
    place = roads[["x", "y"]].to_numpy(dtype=float)
    low, high = (np.full((int(part.max()) + 1, 2), end) for end in (np.inf, -np.inf))
    np.minimum.at(low, part, place)
    np.maximum.at(high, part, place)
    along = np.argmax(high - low, axis=1)[part]
    piece = ((place - low[part])[np.arange(count), along] // most_m).astype(np.int64)
    found: NDArray[np.int64] = pd.factorize(part * (int(piece.max()) + 1) + piece)[0].astype(np.int64)
    return found
