"""Ends of roads at their nodes, in order round each node: what corners and crossings are told from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.network.graph import spread

BEARING_AT_M = 5.0  # a leg's bearing is that of its first metres: lines often turn in the junction itself
EAST_RAD = (
    0.1  # a leg this little south of east is the first one too: one drawn due east is, however its place was rounded
)
DEGREE_M = 111_195.0  # of latitude, on the mean sphere; lengths themselves come from the streets
_TURN = 8.0  # more than a whole turn in radians: node × this + bearing sorts by node, then by bearing


@dataclass(frozen=True)
class Legs:
    """Edges that are roads or open to walkers, in id order, and their ends in order round each node.

    An end is 2 × row of the edge, + 1 for the end at v. Legs are the ends of roads, those closed to walkers included.

    Attributes
    ----------
    row : int64 (e,)
        Row in `streets`.
    edge_id : object (e,)
        Sorted.
    node_id : object (n,)
        Sorted.
    lonlat : float64 (n, 2)
        Place of each node, degrees.
    node : int32 (2e,)
        Node of each end.
    length_m : float64 (e,)
    road, walk : bool (e,)
        Road: open to motor traffic by its class. Walk: open to walkers.
    vertex, start : float64 (m, 2), int64 (e + 1,)
        Vertices of all lines in degrees, and where each line begins.
    count, first : int32 (n,)
        Legs of each node, and where they begin in `around`.
    around : int32 (r,)
        The legs by node, from east against the clock.
    left, right : int16 (2e,)
        Corner on the left and on the right of each end, looking away from the node; a footway has the same twice.
    """

    row: NDArray[np.int64]
    edge_id: NDArray[np.object_]
    node_id: NDArray[np.object_]
    lonlat: NDArray[np.float64]
    node: NDArray[np.int32]
    length_m: NDArray[np.float64]
    road: NDArray[np.bool_]
    walk: NDArray[np.bool_]
    vertex: NDArray[np.float64]
    start: NDArray[np.int64]
    count: NDArray[np.int32]
    first: NDArray[np.int32]
    around: NDArray[np.int32]
    left: NDArray[np.int16]
    right: NDArray[np.int16]

    @cached_property
    def walked(self) -> NDArray[np.bool_]:
        """Nodes where an edge open to walkers ends."""
        return self._meet(self.walk)

    @cached_property
    def footway(self) -> NDArray[np.bool_]:
        """Nodes where a walkable way that is no road ends."""
        return self._meet(self.walk & ~self.road)

    def _meet(self, edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
        found = np.zeros(len(self.node_id), dtype=bool)
        found[self.node[np.repeat(edges, 2)]] = True
        return found

    @cached_property
    def vertex_m(self) -> NDArray[np.float64]:
        """How far along its line each vertex lies."""
        _, along = _measure(self.vertex, self.start)
        total = along[self.start[1:] - 1]
        scale = np.divide(self.length_m, total, out=np.zeros(len(total)), where=total > 0)
        metres: NDArray[np.float64] = along * np.repeat(scale, np.diff(self.start))
        return metres

    def ends_at(self, nodes: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Legs of some nodes end to end, and which of the nodes each belongs to."""
        of = np.repeat(np.arange(len(nodes)), self.count[nodes])
        return self.around[spread(self.first[nodes], self.count[nodes])], of

    def middle(self, edges: NDArray[np.integer]) -> NDArray[np.float64]:
        """Middle of edges, degrees."""
        cum, along = _measure(self.vertex, self.start)
        return _at(self.vertex, self.start, cum, edges, along[self.start[edges + 1] - 1] / 2)

    def named(self, ends: NDArray[np.integer]) -> NDArray[np.object_]:
        """Id of the crossing of each leg at its mouth: node / edge."""
        return joined(self.node_id[self.node[ends]], self.edge_id[ends >> 1])


def joined(*parts: NDArray[np.object_] | str) -> NDArray[np.object_]:
    """Texts put together with a stroke between them, row by row."""
    columns = [pa.scalar(one) if isinstance(one, str) else pa.array(one, type=pa.string()) for one in parts]
    texts: NDArray[np.object_] = pc.binary_join_element_wise(*columns, "/").to_numpy(zero_copy_only=False)
    return texts


def read_legs(streets: pd.DataFrame, catalogue: Catalogue) -> Legs:
    """Legs of the `streets` table.

    Parameters
    ----------
    streets : DataFrame
        Columns edge_id, u, v, length_m, highway, walk, geometry (EPSG:4326); any row order.
    catalogue : Catalogue
        `safety["roads"]["order"]` says which classes are roads.
    """
    roads = streets["highway"].isin(catalogue.safety["roads"]["order"]).to_numpy(dtype=bool)
    rows = np.flatnonzero(roads | streets["walk"].to_numpy(dtype=bool))
    ids = pa.array(streets["edge_id"].to_numpy(dtype=object)[rows], type=pa.string())
    order = pc.sort_indices(ids).to_numpy()
    rows = rows[order]
    ends = np.stack([streets[end].to_numpy(dtype=object)[rows] for end in ("u", "v")], axis=1).ravel()
    coded = pa.array(ends, type=pa.string()).dictionary_encode()
    by_name = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(by_name), dtype=np.int32)
    rank[by_name] = np.arange(len(by_name), dtype=np.int32)
    node = rank[coded.indices.to_numpy()]
    geometry = np.asarray(streets["geometry"], dtype=object)[rows]
    vertex = shapely.get_coordinates(geometry)
    start = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(geometry))]).astype(np.int64)
    lonlat = np.empty((len(by_name), 2))
    tips = np.stack([vertex[start[:-1]], vertex[start[1:] - 1]], axis=1).reshape(-1, 2)
    lonlat[node[::-1]] = tips[::-1]  # the first edge's end counts
    road = roads[rows]
    corners = _order_ends(node, road, _bearings(vertex, start, node), len(by_name))
    return Legs(
        rows, ids.take(pa.array(order)).to_numpy(zero_copy_only=False),
        coded.dictionary.take(pa.array(by_name)).to_numpy(zero_copy_only=False), lonlat, node,
        streets["length_m"].to_numpy(dtype=np.float64)[rows], road, streets["walk"].to_numpy(dtype=bool)[rows],
        vertex, start, *corners,
    )  # fmt: skip


def _measure(vertex: NDArray[np.float64], start: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Metres, about, over all lines end to end at each vertex, and those from the beginning of its own line."""
    step = np.diff(vertex, axis=0)
    metres = DEGREE_M * np.hypot(step[:, 0] * np.cos(np.radians(vertex[:-1, 1])), step[:, 1])
    metres[start[1:-1] - 1] = 0.0  # from the end of one line to the next
    cum = np.concatenate([[0.0], np.cumsum(metres)]) if len(vertex) else np.zeros(0)
    return cum, cum - np.repeat(cum[start[:-1]], np.diff(start))


def _at(
    vertex: NDArray[np.float64], start: NDArray[np.int64], cum: NDArray[np.float64], edges: NDArray[np.integer],
    along: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """Place on each line, so many metres along it."""
    target = cum[start[edges]] + along
    before = np.clip(np.searchsorted(cum, target, side="right") - 1, start[edges], start[edges + 1] - 2)
    size = cum[before + 1] - cum[before]
    share = np.divide(target - cum[before], size, out=np.zeros(len(size)), where=size > 0)
    place: NDArray[np.float64] = vertex[before] + np.clip(share, 0.0, 1.0)[:, None] * (
        vertex[before + 1] - vertex[before]
    )
    return place


def _bearings(vertex: NDArray[np.float64], start: NDArray[np.int64], node: NDArray[np.int32]) -> NDArray[np.float64]:
    """Bearing of each end, looking away from its node: radians against the clock, from a little south of east, at least 0."""
    cum, along = _measure(vertex, start)
    total = along[start[1:] - 1]
    loop = node[0::2] == node[1::2]
    reach = np.minimum(BEARING_AT_M, np.where(loop, total / 4, total))
    edges = np.arange(len(total))
    tip = np.stack([vertex[start[:-1]], vertex[start[1:] - 1]], axis=1).reshape(-1, 2)
    ahead = np.stack([_at(vertex, start, cum, edges, reach), _at(vertex, start, cum, edges, total - reach)], axis=1)
    way = ahead.reshape(-1, 2) - tip
    # rounded, so that a line drawn the other way round has the same bearing
    bearing = np.round(np.arctan2(way[:, 1], way[:, 0] * np.cos(np.radians(tip[:, 1]))) + EAST_RAD, 6)
    turned: NDArray[np.float64] = np.where(bearing < 0, bearing + 2 * np.pi, bearing)
    return turned


def _order_ends(
    node: NDArray[np.int32], road: NDArray[np.bool_], bearing: NDArray[np.float64], nodes: int
) -> tuple[Any, ...]:
    """Legs round each node and the corners at every end: corner i lies between leg i and the next one against the clock."""
    leg = np.flatnonzero(np.repeat(road, 2))
    key = node * _TURN + bearing
    around = leg[np.argsort(key[leg], kind="stable")]
    count = np.bincount(node[around], minlength=nodes)
    first = np.cumsum(count) - count
    place = np.arange(len(around)) - first[node[around]]
    many = count[node[around]]
    left = np.zeros(len(node), dtype=np.int16)
    right = np.zeros(len(node), dtype=np.int16)
    left[around] = np.where(many > 1, place, 0)
    right[around] = np.where(many > 1, (place - 1) % np.maximum(many, 1), 0)
    foot = np.flatnonzero(~np.repeat(road, 2))
    before = np.searchsorted(key[around], key[foot], side="right") - first[node[foot]] - 1
    gaps = np.maximum(count[node[foot]], 1)
    left[foot] = right[foot] = np.where(gaps > 1, before % gaps, 0)
    return count.astype(np.int32), first.astype(np.int32), around.astype(np.int32), left, right


@dataclass(frozen=True)
class Passages:
    """What lies along each leg of a junction (3 legs and more), from its mouth up to a distance or the next junction.

    Attributes
    ----------
    leg, end : int64 (k,)
        The junction's leg, and the end from which a stretch along it begins; the leg itself is its own first stretch.
    begin_m : float64 (k,)
        Distance of the stretch's beginning from the junction.
    node_leg, node : int64 (j,)
        The junction's leg, and a node of two legs along it.
    node_m : float64 (j,)
        How far it is.
    """

    leg: NDArray[np.int64]
    end: NDArray[np.int64]
    begin_m: NDArray[np.float64]
    node_leg: NDArray[np.int64]
    node: NDArray[np.int64]
    node_m: NDArray[np.float64]


def follow_legs(legs: Legs, reach_m: float) -> Passages:
    """Go along every leg of every junction, over nodes of two legs, as far as `reach_m`."""
    other = np.full(len(legs.node), -1, dtype=np.int64)
    pairs = legs.around[legs.first[legs.count == 2][:, None] + np.arange(2)]
    other[pairs[:, 0]], other[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    leg = legs.around[legs.count[legs.node[legs.around]] >= 3].astype(np.int64)
    end, begin = leg, np.zeros(len(leg))
    stretches, nodes = [], []
    while len(leg):
        stretches.append((leg, end, begin))
        far = begin + legs.length_m[end >> 1]
        node = legs.node[end ^ 1].astype(np.int64)
        on = np.flatnonzero((far <= reach_m) & (legs.count[node] == 2))
        leg, begin, end = leg[on], far[on], other[end[on] ^ 1]
        nodes.append((leg, node[on], begin))
    if not stretches:
        none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        return Passages(none, none, nothing, none, none, nothing)
    return Passages(*(np.concatenate(part) for part in zip(*stretches, strict=True)),
                    *(np.concatenate(part) for part in zip(*nodes, strict=True)))  # fmt: skip
