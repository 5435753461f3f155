"""The network as a child walks it: each road with its two sides, and a price on every change of side.

At a node where motor legs meet, every gap between two neighbouring legs is a corner, a node of its own. A road's left and right
side join the corners at both its ends; to get from corner to corner over a leg is one crossing of that leg. So two side streets
of the same side pay nothing, across the road pays a whole crossing, and passing along the road past a zebra nothing. A footway
joins the corner that it leads into, and a node with less than two motor legs stays one node.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.errors import TableError
from xiqing_space.memory import collection_paused
from xiqing_space.network.graph import spread
from xiqing_space.network.trees import ArcNet
from xiqing_space.safety.carriageways import attributes_of, find_opposite
from xiqing_space.safety.legs import Legs, follow_legs, joined, read_legs
from xiqing_space.safety.mouths import Mouths, facility_factors, find_mouths, size_rank

OWN, LEFT, RIGHT = 0, 1, 2  # lanes


@dataclass(frozen=True)
class SidedGraph:
    """Corners and the arcs between them, in id order, so that the order of input rows changes nothing.

    Attributes
    ----------
    node_id : object (n,)
        OSM node of each corner; rows sorted by (node_id, corner).
    corner : int16 (n,)
        Number of the corner at its node, from east against the clock; 0 where there is only one.
    xy : float64 (n, 2)
        Place of the OSM node, metric (corners of one node share it).
    tail, head : int32 (m,)
        Rows of the corners that an arc joins; each arc once, open both ways.
    length_m : float64 (m,)
        Length; 0 for changes of side.
    edge : int32 (m,)
        Row in `edge_id`; -1 for changes of side.
    lane : int8 (m,)
        0 a way of its own, 1 the left side of a road (looking from u to v), 2 the right side.
    crossing : int32 (m,)
        Row in `crossing_id`; -1 where nothing is crossed. A footbridge's way has both an edge and a crossing.
    edge_id : object (e,)
        Sorted ids of the edges open to the profile.
    crossing_id : object (c,)
        Sorted ids of the `crossings` table.
    share : float64 (c,)
        Part of the whole crossing that the crossing is (a carriageway of two: its lanes over the lanes of both).
    """

    node_id: NDArray[np.object_]
    corner: NDArray[np.int16]
    xy: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_m: NDArray[np.float64]
    edge: NDArray[np.int32]
    lane: NDArray[np.int8]
    crossing: NDArray[np.int32]
    edge_id: NDArray[np.object_]
    crossing_id: NDArray[np.object_]
    share: NDArray[np.float64]

    @cached_property
    def net(self) -> ArcNet:
        """The graph as a net to search, made once."""
        return ArcNet(self.xy, self.tail, self.head)


def build_sided_graph(
    streets: pd.DataFrame, crossings: pd.DataFrame, street_attributes: pd.DataFrame, profile: str, catalogue: Catalogue,
    metric_epsg: int,
) -> SidedGraph:  # fmt: skip
    """The graph with sides of a profile.

    Roads closed to walkers are crossed, but have no sides to walk on; nor has a carriageway towards the other one of its road.
    A node of two legs keeps the sides apart unless it is a mapped crossing or a footway meets it there. Where a road ends, its
    sides join. That two corners are joined does not say that anybody would cross there.

    Parameters
    ----------
    streets, street_attributes : DataFrame
        Tables, EPSG:4326; any row order.
    crossings : DataFrame
        The table that `find_crossings` made from them.
    profile : {"walk", "pram"}
    catalogue : Catalogue
    metric_epsg : int

    Raises
    ------
    TableError
        The tables do not belong together.
    """
    with collection_paused():
        legs = read_legs(streets, catalogue)
        attributes = attributes_of(legs, street_attributes)
        inner = find_opposite(legs, attributes, catalogue, metric_epsg).inner
        names = np.sort(crossings["crossing_id"].to_numpy(dtype=object))
        mouths, mapped_id = _mouths(legs, streets, crossings, attributes, catalogue)
        usable = streets[profile].to_numpy(dtype=bool)[legs.row]
        corners = _Corners(legs, usable)
        edge_id = legs.edge_id[usable]
        over = pd.Index(names).get_indexer(pd.Index(joined("over", edge_id)))
        ways = _ways(legs, usable, inner, over, corners)
        arcs = [
            np.concatenate(both) for both in zip(ways, _changes(legs, mouths, mapped_id, names, corners), strict=True)
        ]
        tail, head, edge, lane, crossing = arcs
        lengths = np.append(legs.length_m[usable], 0.0)  # the last one for changes of side
        return SidedGraph(
            node_id=legs.node_id[corners.node],
            corner=corners.number,
            xy=project(legs.lonlat[corners.node], GEOGRAPHIC, metric_epsg),
            tail=tail.astype(np.int32),
            head=head.astype(np.int32),
            length_m=lengths[edge],
            edge=edge.astype(np.int32),
            lane=lane.astype(np.int8),
            crossing=crossing.astype(np.int32),
            edge_id=edge_id,
            crossing_id=names,
            share=crossings.set_index("crossing_id")["share"].loc[names].to_numpy(dtype=np.float64),
        )


class _Corners:
    """Corners of the nodes where an edge of the profile ends, numbered by node and corner."""

    def __init__(self, legs: Legs, usable: NDArray[np.bool_]) -> None:
        self.used = np.zeros(len(legs.node_id), dtype=bool)
        self.used[legs.node[np.repeat(usable, 2)]] = True
        many = np.where(self.used, np.maximum(legs.count, 1), 0)
        self._first = np.cumsum(many) - many
        self.node = np.repeat(np.arange(len(many)), many)
        self.number = spread(np.zeros(len(many), dtype=np.int64), many).astype(np.int16)

    def at(self, node: NDArray[np.integer], number: NDArray[np.integer]) -> NDArray[np.int64]:
        """Row of a node's corner."""
        row: NDArray[np.int64] = self._first[node] + number
        return row


def _mouths(
    legs: Legs, streets: pd.DataFrame, crossings: pd.DataFrame, attributes: pd.DataFrame, catalogue: Catalogue
) -> tuple[Mouths, NDArray[np.object_]]:
    """Where roads are crossed, told again from the finished table, and the ids of its mapped crossings."""
    mapped = crossings[crossings["mapped"].to_numpy(dtype=bool)].sort_values("crossing_id")
    node = pd.Index(legs.node_id).get_indexer(pd.Index(mapped["node_id"].to_numpy(dtype=object)))
    if (node < 0).any():
        raise TableError("crossings are not of these streets", first=mapped["crossing_id"][node < 0].tolist()[:5])
    highway = streets["highway"].to_numpy(dtype=object)[legs.row]
    passages = follow_legs(legs, catalogue.safety["roads"]["junction_crossing_m"])
    found = find_mouths(
        legs, passages, node, facility_factors(mapped, catalogue), size_rank(highway, attributes, catalogue)
    )
    return found, mapped["crossing_id"].to_numpy(dtype=object)


def _ways(
    legs: Legs, usable: NDArray[np.bool_], inner: NDArray[np.int8], over: NDArray[np.integer], corners: _Corners
) -> tuple[NDArray[np.int64], ...]:
    """Tail, head, edge, lane, crossing of ways along edges, by edge and lane."""
    rows = np.flatnonzero(usable)
    road, closed = legs.road[rows], inner[rows]
    lanes = np.stack([~road, road & (closed != LEFT), road & (closed != RIGHT)], axis=1)
    edge, lane = np.nonzero(lanes)
    ends = 2 * rows[edge]
    # looking away from the node at v, the left side of the edge is on the right
    tail = np.where(lane == RIGHT, legs.right[ends], legs.left[ends])
    head = np.where(lane == LEFT, legs.right[ends + 1], legs.left[ends + 1])
    return (corners.at(legs.node[ends], tail), corners.at(legs.node[ends + 1], head), edge, lane,
            np.where(lane == OWN, over[edge], -1))  # fmt: skip


def _changes(
    legs: Legs, mouths: Mouths, mapped_id: NDArray[np.object_], names: NDArray[np.object_], corners: _Corners
) -> tuple[NDArray[np.int64], ...]:
    """Tail, head, edge (none), lane (own), crossing of changes of side, by crossing and corner."""
    leg, two = corners.used[legs.node[mouths.leg]], corners.used[mouths.node]
    node = np.concatenate([legs.node[mouths.leg[leg]], mouths.node[two]])
    right = np.concatenate([legs.right[mouths.leg[leg]], np.zeros(two.sum(), dtype=np.int16)])
    left = np.concatenate([legs.left[mouths.leg[leg]], np.ones(two.sum(), dtype=np.int16)])
    code = np.concatenate([mouths.leg_code[leg], mouths.node_code[two]])
    ids = np.empty(len(code), dtype=object)
    ids[code >= 0] = mapped_id[code[code >= 0]]
    ids[code < 0] = legs.named(-1 - code[code < 0])
    crossing = pd.Index(names).get_indexer(pd.Index(ids))
    if (crossing < 0).any():
        raise TableError("crossings are not of these streets", first=ids[crossing < 0].tolist()[:5])
    tail, head = corners.at(node, right), corners.at(node, left)
    order = np.lexsort((head, tail, crossing))
    none = np.full(len(order), -1, dtype=np.int64)
    return tail[order], head[order], none, np.zeros(len(order), dtype=np.int64), crossing[order]
