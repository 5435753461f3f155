"""A barrier lifted: the walking graph as if one class of barrier (water, rail, motorway, walls) stopped nobody.

Streets near barriers are cut into pieces of about 50 m; the cuts and the street nodes are the places from which a straight
connector may lead across. Connectors are the edges of a Delaunay triangulation of these places, and the other diagonal of each
two neighbouring triangles, so that the choice of a diagonal in a rectangle decides nothing. A connector belongs to all classes
that it crosses; one that crosses nothing is open land without a street and is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, QhullError

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.graph import WalkGraph, assemble, spread
from xiqing_space.network.links import DIGITS, LINK_LIMIT_M, Segments
from xiqing_space.network.reach import Seeds

CLASSES = ("water", "rail", "motorway", "wall")
WALL = 1 << CLASSES.index("wall")
ROUND_M = 100.0  # a barrier shorter than this from end to end is walked round: no connector leads across it
LONGEST_M = 500.0  # of a connector: wide rivers are crossed, lakes are not
CUT_M = 50.0  # length of the pieces, about
_SQUARE_M, _SQUARES = 100.0, 2  # a connector starts and ends within two squares of a barrier: 200 to 300 m
_KEY = 1 << 31  # between the squares of one column and the next
_SAME_M = 0.1  # corners of barriers nearer than this are one
_ON_EDGE_M = 0.5  # a gate lies on its compound's outline when it is this near to it
_NEARER_M = 0.01  # a leg counts as shorter from here on


def bits_of(classes: Iterable[str]) -> int:
    """One bit for each class."""
    return sum(1 << CLASSES.index(name) for name in classes)


@dataclass(frozen=True)
class BarrierClasses:
    """Barriers by class.

    Attributes
    ----------
    of : mapping of class to Segments
        All of them: what a leg may not cross.
    large : mapping of class to Segments
        Those that a walker does not simply go round, `ROUND_M` or more from end to end: what connectors lead across.
    compounds : array of Polygon or MultiPolygon
        Metric; their outlines are walls too.
    """

    of: Mapping[str, Segments]
    large: Mapping[str, Segments]
    compounds: NDArray[np.object_]

    @cached_property
    def squares(self) -> NDArray[np.int64]:
        """Keys of the squares from which a large barrier is near, sorted."""
        a = np.concatenate([one.a for one in self.large.values()])
        b = np.concatenate([one.b for one in self.large.values()])
        steps = np.maximum(np.ceil(np.hypot(*(b - a).T) / _SQUARE_M), 1.0).astype(np.int64)
        which = np.repeat(np.arange(len(a)), steps + 1)
        share = spread(np.zeros(len(a), dtype=np.int64), steps + 1) / steps[which]
        key = np.unique(_square(a[which] + (b - a)[which] * share[:, None]))
        aside = np.arange(-_SQUARES, _SQUARES + 1)
        return np.unique((key[:, None] + (aside[:, None] * _KEY + aside).ravel()).ravel())

    def near(self, places: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which places have a barrier within reach of a connector."""
        if not len(self.squares):
            return np.zeros(len(places), dtype=bool)
        key = _square(places)
        at = np.minimum(np.searchsorted(self.squares, key), len(self.squares) - 1)
        found: NDArray[np.bool_] = self.squares[at] == key
        return found


def crossed_classes(legs: Any, barriers: Mapping[str, Segments]) -> NDArray[np.int64]:
    """For each straight leg the classes that it crosses, one bit for each."""
    bits = np.zeros(len(legs), dtype=np.int64)
    for name in CLASSES:
        bits[barriers[name].crossed_by(legs)] |= bits_of([name])
    return bits


def _square(places: NDArray[np.float64]) -> NDArray[np.int64]:
    column = np.floor(places / _SQUARE_M).astype(np.int64)
    key: NDArray[np.int64] = column[:, 0] * _KEY + column[:, 1]
    return key


def read_barrier_classes(barriers: pd.DataFrame, compounds: pd.DataFrame, metric_epsg: int) -> BarrierClasses:
    """Barriers of the `barriers` and `compounds` tables by class. Those carried on a bridge stop nobody on the ground."""
    ground = barriers[~barriers["bridge"].to_numpy(dtype=bool)]
    shapes = project_geometry(ground["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    polygons = project_geometry(compounds["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    what = ground["barrier"].to_numpy(dtype=object)
    outlines = {"wall": shapely.boundary(polygons)}
    drawn = {name: np.concatenate([shapes[what == name], outlines.get(name, shapes[:0])]) for name in CLASSES}
    large = {name: Segments(lines[_extent(lines) >= ROUND_M]) for name, lines in drawn.items()}
    return BarrierClasses({name: Segments(lines) for name, lines in drawn.items()}, large, polygons)


def _extent(shapes: Any) -> NDArray[np.float64]:
    """Of each barrier the diagonal of the box round it and all that it is joined to by a common corner."""
    coords, shape = shapely.get_coordinates(shapes, return_index=True)
    if not len(coords):
        return np.zeros(len(shapes))
    _, corner = np.unique(np.rint(coords / _SAME_M).astype(np.int64), axis=0, return_inverse=True)
    count = len(shapes) + int(corner.max()) + 1
    joined = coo_array(
        (np.ones(len(shape), dtype=np.int8), (shape, len(shapes) + corner.ravel())), shape=(count, count)
    )
    part = connected_components(joined, directed=False)[1]
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, part[shape], coords)
    np.maximum.at(high, part[shape], coords)
    extent: NDArray[np.float64] = np.hypot(*(high - low)[part[: len(shapes)]].T)
    return extent


@dataclass(frozen=True)
class LiftedGraph:
    """A graph cut into pieces near barriers, and the connectors across them.

    Attributes
    ----------
    base : WalkGraph
        As it is.
    pieces : WalkGraph
        The same streets, cut: walks along it are those along `base`.
    first, many : int64 (m,)
        First piece of each edge of `base`, and how many equally long ones it has.
    tail, head : int32 (c,)
        Ends of the connectors, node rows of `pieces`.
    across_m : float64 (c,)
        Their lengths.
    bits : int64 (c,)
        The classes that each crosses, a bit for each.
    """

    base: WalkGraph
    pieces: WalkGraph
    first: NDArray[np.int64]
    many: NDArray[np.int64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    across_m: NDArray[np.float64]
    bits: NDArray[np.int64]

    def closing(self, closed: NDArray[np.bool_]) -> LiftedGraph:
        """The same with some edges closed, as steps are to a pram."""
        base, cut = self.base, self.pieces
        pieces = np.where(np.repeat(closed, self.many), np.inf, cut.length_m)
        return replace(
            self,
            base=assemble(base.node_id, base.xy, base.edge_id, base.u, base.v, np.where(closed, np.inf, base.length_m)),
            pieces=assemble(cut.node_id, cut.xy, cut.edge_id, cut.u, cut.v, pieces),
        )

    def lift(self, lifted: int) -> WalkGraph:
        """The cut graph with the connectors that cross these classes (bits) and no other."""
        mine = np.flatnonzero((self.bits & ~lifted) == 0)
        cut = self.pieces
        names = np.full(len(mine), "connector", dtype=object)
        return assemble(
            cut.node_id, cut.xy, np.concatenate([cut.edge_id, names]), np.concatenate([cut.u, self.tail[mine]]),
            np.concatenate([cut.v, self.head[mine]]), np.concatenate([cut.length_m, self.across_m[mine]]),
        )  # fmt: skip

    def place(self, seeds: Seeds) -> Seeds:
        """Places on edges of `base` as places on its pieces."""
        many = self.many[seeds.edge]
        step = self.pieces.length_m[self.first[seeds.edge]]
        open_ = np.isfinite(step)
        length = np.where(open_, step, 1.0)
        piece = np.clip(np.floor(seeds.offset_m / np.maximum(length, 1e-9)).astype(np.int64), 0, many - 1)
        offset = np.clip(seeds.offset_m - piece * length, 0.0, length)
        return replace(seeds, edge=self.first[seeds.edge] + piece, offset_m=offset)


def lift_barriers(graph: WalkGraph, lines: Any, ground: NDArray[np.bool_], barriers: BarrierClasses) -> LiftedGraph:
    """Cut a graph near barriers and find the connectors across them.

    A connector says nothing of buildings, of slopes or of whose land it is: what a bridge or a gate there would take is another
    question. Walks over connectors are never shorter than the straight line, and never longer than without them.

    Parameters
    ----------
    graph : WalkGraph
    lines : array of LineString (m,)
        Metric, a line for each of its edges.
    ground : bool (m,)
        Edges on the ground: no connector starts within a bridge or tunnel.
    barriers : BarrierClasses
    """
    many = np.where(ground, np.maximum(np.rint(graph.length_m / CUT_M), 1.0), 1.0).astype(np.int64)
    pieces, first = _cut(graph, lines, many)
    standing = np.zeros(pieces.n_nodes, dtype=bool)
    standing[graph.n_nodes :] = True
    standing[graph.u[ground]] = standing[graph.v[ground]] = True
    place = np.flatnonzero(standing & barriers.near(pieces.xy))
    tail, head = (place[ends] for ends in _neighbours(pieces.xy[place]))
    length = np.hypot(*(pieces.xy[tail] - pieces.xy[head]).T)
    kept = (length > 0) & (length <= LONGEST_M)
    tail, head, length = tail[kept], head[kept], length[kept]
    ends = np.stack([pieces.xy[tail], pieces.xy[head]], axis=1).reshape(-1, 2)
    bits = crossed_classes(shapely.linestrings(ends, indices=np.repeat(np.arange(len(tail)), 2)), barriers.large)
    bits[_through_compounds(pieces.xy, tail, head, barriers) & (bits == 0)] = WALL
    across = bits > 0
    return LiftedGraph(graph, pieces, first, many, tail[across].astype(np.int32), head[across].astype(np.int32),
                       length[across], bits[across])  # fmt: skip


def _cut(graph: WalkGraph, lines: Any, many: NDArray[np.int64]) -> tuple[WalkGraph, NDArray[np.int64]]:
    """The graph with edge i in `many[i]` equal pieces, new nodes last; and the first piece of each edge."""
    first = np.cumsum(many) - many
    edge = np.repeat(np.arange(len(many)), many - 1)
    step = spread(np.ones(len(many), dtype=np.int64), many - 1)
    where = shapely.line_interpolate_point(lines[edge], step / many[edge], normalized=True)
    new = graph.n_nodes + np.arange(len(edge), dtype=np.int32)
    of = np.repeat(np.arange(len(many)), many)
    u, v = graph.u[of], graph.v[of]
    u[first[edge] + step] = v[first[edge] + step - 1] = new
    xy = np.concatenate([graph.xy, shapely.get_coordinates(where).reshape(-1, 2)])
    pieces = assemble(np.concatenate([graph.node_id, graph.edge_id[edge]]), xy, graph.edge_id[of], u, v,
                      (graph.length_m / many)[of])  # fmt: skip
    return pieces, first


def _neighbours(xy: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of places that may be joined: Delaunay edges, and the other diagonals of neighbouring triangles."""
    if len(xy) < 4:
        return np.triu_indices(len(xy), 1)
    try:
        found = Delaunay(xy - xy.mean(axis=0))
    except QhullError:  # all on one line
        order = np.lexsort(xy.T[::-1])
        return order[:-1], order[1:]
    corner, beyond = found.simplices.astype(np.int64), found.neighbors.T.ravel()
    once = np.flatnonzero(np.tile(np.arange(len(corner)), 3) > beyond)  # a side belongs to two triangles, or to the rim
    side = np.concatenate([corner[:, [1, 2]], corner[:, [2, 0]], corner[:, [0, 1]]])[once]
    inner = beyond[once] >= 0
    apex = corner.T.ravel()[once][inner]
    opposite = corner[beyond[once][inner]].sum(axis=1) - side[inner].sum(axis=1)
    tail, head = np.concatenate([side[:, 0], apex]), np.concatenate([side[:, 1], opposite])
    # of places in one spot, as on two streets drawn over each other, the triangulation takes one: the others do as it does
    like = np.arange(len(xy))
    like[found.coplanar[:, 0]] = found.coplanar[:, 2]
    order = np.argsort(like, kind="stable")
    begin = np.searchsorted(like[order], np.arange(len(xy) + 1))
    for _ in range(2):
        size = begin[tail + 1] - begin[tail]
        tail, head = np.repeat(head, size), order[spread(begin[tail], size)]
    return tail, head


def _through_compounds(
    xy: NDArray[np.float64], tail: NDArray[np.int64], head: NDArray[np.int64], barriers: BarrierClasses
) -> NDArray[np.bool_]:
    """Connectors from gate to gate through the inside of a compound: they touch its wall and cross nothing."""
    through = np.zeros(len(tail), dtype=bool)
    if not len(barriers.compounds) or not len(tail):
        return through
    ends = np.unique(np.concatenate([tail, head]))
    rims = shapely.STRtree(shapely.boundary(barriers.compounds))
    on_rim = np.zeros(len(xy), dtype=bool)
    on_rim[ends[rims.query(shapely.points(xy[ends]), predicate="dwithin", distance=_ON_EDGE_M)[0]]] = True
    chord = np.flatnonzero(on_rim[tail] & on_rim[head])
    middle = shapely.points((xy[tail[chord]] + xy[head[chord]]) / 2)
    inside, _ = shapely.STRtree(barriers.compounds).query(middle, predicate="within")
    through[chord[inside]] = True
    return through


@dataclass(frozen=True)
class LegOptions:
    """Streets that places could join if their legs were free to cross barriers: by place, the nearest first.

    Attributes
    ----------
    place : int64 (k,)
        Row of the place.
    edge : int64 (k,)
        Row of the edge.
    leg_m, offset_m : float64 (k,)
        How far it is, and where on the edge.
    bits : int64 (k,)
        Classes that the leg crosses.
    """

    place: NDArray[np.int64]
    edge: NDArray[np.int64]
    leg_m: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    bits: NDArray[np.int64]

    def first_free(self, lifted: int) -> LegOptions:
        """Of each place the nearest street whose leg crosses nothing but these classes (bits)."""
        free = np.flatnonzero((self.bits & ~lifted) == 0)
        lead = np.ones(len(free), dtype=bool)
        lead[1:] = self.place[free][1:] != self.place[free][:-1]
        return self.take(free[lead])

    def take(self, rows: NDArray[np.int64]) -> LegOptions:
        """Some of them."""
        return LegOptions(self.place[rows], self.edge[rows], self.leg_m[rows], self.offset_m[rows], self.bits[rows])


def join_options(parts: Sequence[LegOptions]) -> LegOptions:
    """Several of them, one after the other."""
    names = ("place", "edge", "leg_m", "offset_m", "bits")
    return LegOptions(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))


class Joinable:
    """Lines of a graph's edges that links may join.

    Parameters
    ----------
    lines : array of LineString (m,)
        Metric, of all edges.
    lengths_m : float64 (m,)
    usable : bool (m,)
        Which of them may be joined.
    """

    def __init__(self, lines: Any, lengths_m: NDArray[np.float64], usable: NDArray[np.bool_]) -> None:
        self._edges = np.flatnonzero(usable)
        self._lines, self._lengths = lines, lengths_m
        self._tree = shapely.STRtree(lines[self._edges])

    def options(self, places: Any, reach_m: NDArray[np.float64], barriers: BarrierClasses) -> LegOptions:
        """What each place could join that is nearer than what it joins now.

        Parameters
        ----------
        places : array of Point
            Metric.
        reach_m : float64
            How far each is from the street that it joins now; infinite where it joins none.
        barriers : BarrierClasses
        """
        most = np.minimum(reach_m - _NEARER_M, LINK_LIMIT_M)
        if not len(places) or not len(self._edges):
            return self._measured(places, np.zeros((2, 0), dtype=np.int64), barriers)
        (row, line), far = self._tree.query_nearest(places, max_distance=LINK_LIMIT_M, return_distance=True)
        nearer = far <= most[row]
        nearest = self._measured(places, np.stack([row[nearer], line[nearer]]), barriers)
        # where the nearest one lies behind a barrier, so may the next ones
        behind = np.unique(nearest.place[nearest.bits > 0])
        pair, line = self._tree.query(places[behind], predicate="dwithin", distance=most[behind])
        others = self._measured(places, np.stack([behind[pair], line]), barriers)
        alone = nearest.take(np.flatnonzero(~np.isin(nearest.place, behind)))
        both = join_options([alone, others])
        return both.take(np.lexsort((both.edge, both.leg_m, both.place)))

    def _measured(self, places: Any, pairs: NDArray[np.int64], barriers: BarrierClasses) -> LegOptions:
        """Legs of pairs (place, line), measured."""
        edge = self._edges[pairs[1]]
        points, lines = places[pairs[0]], self._lines[edge]
        offset = np.round(shapely.line_locate_point(lines, points), DIGITS)
        return LegOptions(pairs[0], edge, np.round(shapely.distance(points, lines), DIGITS),
                          np.clip(offset, 0.0, self._lengths[edge]),
                          crossed_classes(shapely.shortest_line(points, lines), barriers.of))  # fmt: skip
