"""Reached stretches: which part of every edge lies within a limit on foot, and the strip of land along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.graph import WalkGraph, spread
from xiqing_space.network.reach import Seeds

STRIP_M = 25.0  # land to each side of a street
OUTLINE_M = 1.0  # by how much a street's line is drawn more simply before its strip is made
THROUGH_M = 0.5  # a street goes on where water begins if that much of it lies beyond; as in network/over_barriers
_ROUND = 2  # corners of a strip's round end, to a quarter circle


@dataclass(frozen=True)
class Stretches:
    """Pieces of edges, ordered by edge and place; those of one edge neither overlap nor touch.

    Attributes
    ----------
    edge : int64 (k,)
        Row of the edge in the graph.
    begin_m, end_m : float64 (k,)
        Where the piece begins and ends on the edge, from u.
    """

    edge: NDArray[np.int64]
    begin_m: NDArray[np.float64]
    end_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def length_m(self) -> float:
        """Length of all pieces together."""
        return float((self.end_m - self.begin_m).sum())


def reached_stretches(graph: WalkGraph, to_node_m: NDArray[np.float64], seeds: Seeds, limit_m: float) -> Stretches:
    """The parts of all edges from which somebody is within the limit.

    A stretch says nothing of single homes: their own way to the street comes on top.

    Parameters
    ----------
    graph : WalkGraph
    to_node_m : float64 (n,)
        Distance of every node to the nearest seed, its leg included, from `nearest_nodes` to this limit or farther.
    seeds : Seeds
        Those of the search: on their own edge one may walk from them to either side without passing a node.
    limit_m : float
        Metres; a place exactly that far is within.

    Notes
    -----
    Ends of stretches only grow with the limit, so those of a smaller limit lie within those of a larger one, exactly.
    """
    length = graph.length_m
    over_u, over_v = limit_m - to_node_m[graph.u], limit_m - to_node_m[graph.v]
    usable = np.isfinite(length)
    from_u, from_v = np.flatnonzero(usable & (over_u > 0)), np.flatnonzero(usable & (over_v > 0))
    left = limit_m - seeds.leg_m
    near = np.flatnonzero(usable[seeds.edge] & (left > 0))
    on, at, left = seeds.edge[near], seeds.offset_m[near], left[near]
    begin = [np.zeros(len(from_u)), np.maximum(length[from_v] - over_v[from_v], 0.0), np.maximum(at - left, 0.0)]
    end = [np.minimum(over_u[from_u], length[from_u]), length[from_v], np.minimum(at + left, length[on])]
    return _joined(np.concatenate([from_u, from_v, on]), np.concatenate(begin), np.concatenate(end))


def _joined(edge: NDArray[np.int64], begin: NDArray[np.float64], end: NDArray[np.float64]) -> Stretches:
    """Overlapping and touching pieces of one edge as one."""
    kept = end > begin
    edge, begin, end = edge[kept], begin[kept], end[kept]
    order = np.lexsort((end, begin, edge))
    edge, begin, end = edge[order], begin[order], end[order]
    if not len(edge):
        return Stretches(edge, begin, end)
    # the farthest end so far on the same edge: ranks of ends in place of ends, so that edges are kept apart exactly
    ends, rank = np.unique(end, return_inverse=True)
    farthest = ends[np.maximum.accumulate(edge * len(ends) + rank) % len(ends)]
    starts = np.ones(len(edge), dtype=bool)
    starts[1:] = (edge[1:] != edge[:-1]) | (begin[1:] > farthest[:-1])
    first = np.flatnonzero(starts)
    last = np.concatenate([first[1:], [len(edge)]]) - 1
    return Stretches(edge[first], begin[first], farthest[last])


class Water:
    """Lines at which land ends: shores, coastlines, rivers and canals drawn as lines; metric, segment by segment."""

    def __init__(self, shapes: Any) -> None:
        coords, line = shapely.get_coordinates(shapely.get_parts(shapely.get_parts(shapes)), return_index=True)
        pairs = np.flatnonzero(line[1:] == line[:-1])
        ends = np.stack([coords[pairs], coords[pairs + 1]], axis=1)
        self.segments = shapely.linestrings(ends) if len(pairs) else np.zeros(0, dtype=object)
        self.tree = shapely.STRtree(self.segments)

    @classmethod
    def of(cls, barriers: pd.DataFrame, metric_epsg: int) -> Water:
        """The water of the `barriers` table; what is carried on a bridge stops nobody on the ground."""
        mine = barriers[(barriers["barrier"] == "water").to_numpy() & ~barriers["bridge"].to_numpy(dtype=bool)]
        return cls(project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))

    def cut(self, strips: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.object_]:
        """Strips as far as their street goes: of the parts into which water cuts a strip, those that the street passes.

        A strip ends at the shore, then, and crosses it only where the street itself does, on a bridge or otherwise.
        """
        at, segment = self.tree.query(strips, predicate="intersects")
        if not len(at):
            return strips
        order = np.lexsort((segment, at))
        at, segment = at[order], segment[order]
        rows, first = np.unique(at, return_index=True)
        cut = strips.copy()
        for row, shores in zip(rows.tolist(), np.split(self.segments[segment], first[1:]), strict=True):
            net = shapely.union_all(np.concatenate([[shapely.boundary(strips[row])], shores]))
            faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(net)))
            if len(faces) < 2:
                continue
            passed = shapely.length(shapely.intersection(lines[row], faces))  # nothing of those outside the strip
            far = passed > min(THROUGH_M, 0.5 * float(passed.max()))
            cut[row] = shapely.union_all(faces[far])
        return cut


class Lines:
    """Lines of edges as arrays, so that many stretches are cut out at once.

    Parameters
    ----------
    lines : object (m,)
        Metric, drawn from u to v.
    length_m : float64 (m,)
        Lengths by which places on the edges are told.
    """

    def __init__(self, lines: NDArray[np.object_], length_m: NDArray[np.float64]) -> None:
        self.lines = lines
        self.coords = shapely.get_coordinates(lines)
        self.last = np.cumsum(shapely.get_num_coordinates(lines)) - 1
        self.first = np.concatenate([[0], self.last[:-1] + 1]) if len(lines) else self.last
        step = np.hypot(*np.diff(self.coords, axis=0, prepend=self.coords[:1]).T)
        step[self.first] = 0.0
        self.along = np.cumsum(step)  # over all lines, end to end
        own = self.along[self.last] - self.along[self.first] if len(lines) else np.zeros(0)
        self.scale = own / np.maximum(length_m, 1e-9)

    def cut(
        self, edge: NDArray[np.int64], begin_m: NDArray[np.float64], end_m: NDArray[np.float64]
    ) -> NDArray[np.object_]:
        """The lines of stretches."""
        first, last = self.first[edge], self.last[edge]
        begin = np.minimum(self.along[first] + begin_m * self.scale[edge], self.along[last])
        end = np.clip(self.along[first] + end_m * self.scale[edge], begin, self.along[last])
        low = np.clip(
            np.searchsorted(self.along, begin, "right"), first + 1, last
        )  # the first vertex after the beginning
        high = np.clip(np.searchsorted(self.along, end, "left"), low, last)  # the first one not before the end
        inner = spread(low, high - low)
        size = high - low + 2
        stop = np.cumsum(size)
        coords = np.empty((int(stop[-1]) if len(stop) else 0, 2))
        coords[stop - size], coords[stop - 1] = self._at(begin, low), self._at(end, high)
        between = np.ones(len(coords), dtype=bool)
        between[stop - size] = between[stop - 1] = False
        coords[between] = self.coords[inner]
        cut: NDArray[np.object_] = shapely.linestrings(coords, indices=np.repeat(np.arange(len(edge)), size))
        return cut

    def _at(self, place: NDArray[np.float64], after: NDArray[np.int64]) -> NDArray[np.float64]:
        """Coordinates of places, each between the vertex `after` and the one before it."""
        step = self.along[after] - self.along[after - 1]
        share = np.clip((place - self.along[after - 1]) / np.where(step > 0, step, 1.0), 0.0, 1.0)[:, None]
        here: NDArray[np.float64] = self.coords[after - 1] + share * (self.coords[after] - self.coords[after - 1])
        return here


class Strips:
    """The land along every walkable edge: 25 m to each side, but not across water that the street does not cross.

    Parameters
    ----------
    streets : DataFrame
        The `streets` table.
    water : Water
    metric_epsg : int
    """

    def __init__(self, streets: pd.DataFrame, water: Water, metric_epsg: int) -> None:
        mine = streets[streets["walk"].to_numpy(dtype=bool) | streets["pram"].to_numpy(dtype=bool)].sort_values(
            "edge_id"
        )
        self.edge_id = pd.Index(mine["edge_id"].to_numpy(dtype=object))
        lines = project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
        self.length_m = mine["length_m"].to_numpy(dtype=float)
        self.lines = Lines(shapely.simplify(lines, OUTLINE_M, preserve_topology=False), self.length_m)
        self.water = water
        round_ = shapely.buffer(self.lines.lines, STRIP_M, quad_segs=_ROUND)
        self.whole = water.cut(round_, self.lines.lines)
        # straight, and not cut at a shore: strips of its stretches lie in it as they are
        uncut = np.array([one is other for one, other in zip(self.whole, round_, strict=True)], dtype=bool)
        self.plain = (shapely.get_num_coordinates(self.lines.lines) == 2) & uncut

    def along(self, stretches: Stretches) -> NDArray[np.object_]:
        """Strips of stretches, whose edges are rows of `edge_id`; metric."""
        lines = self.lines.cut(stretches.edge, stretches.begin_m, stretches.end_m)
        return self.water.cut(shapely.buffer(lines, STRIP_M, quad_segs=_ROUND), lines)
