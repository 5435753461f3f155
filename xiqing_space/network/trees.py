"""Trees of cheapest ways: bounded searches that keep, at every node reached, which arc leads on to the goal.

Beside `reach.py`, which tells how far only: there are several arcs between two nodes here (the two sides of a street, crossings of
its legs), each with a cost of its own, and whoever adds up along a way must know which of them was taken. On scipy's
compiled Dijkstra, for the reasons given there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from xiqing_space.network.graph import spread

_CHEAP = 0.8  # of the mean cost: most searches then stay within the piece that they are tried on
_CHUNK_NODES = 12_000  # copies of nodes searched at once: what a processor keeps at hand


@dataclass(frozen=True)
class ArcNet:
    """Arcs between nodes, each open both ways, for searches that must know which arc was taken.

    Attributes
    ----------
    xy : float64 (n, 2)
        Node places, metric.
    tail, head : int32 (m,)
        Rows of the nodes that an arc joins; several arcs may join the same two.
    """

    xy: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]

    @cached_property
    def pairs(self) -> _ArcPairs:
        """The pairs of nodes that arcs join; loops lead nowhere and are left out."""
        n = max(len(self.xy), 1)
        arcs = np.flatnonzero(self.tail != self.head)
        low = np.minimum(self.tail, self.head)[arcs].astype(np.int64)
        high = np.maximum(self.tail, self.head)[arcs].astype(np.int64)
        order = np.argsort(low * n + high, kind="stable")
        key, arcs = (low * n + high)[order], arcs[order]
        lead = np.ones(len(key), dtype=bool)
        lead[1:] = key[1:] != key[:-1]
        first = np.flatnonzero(lead)
        low, high = key[first] // n, key[first] % n
        tail, head = np.concatenate([low, high]), np.concatenate([high, low])
        entry = np.argsort(tail * n + head)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=len(self.xy)))])
        pair = np.tile(np.arange(len(first), dtype=np.int32), 2)[entry]
        return _ArcPairs(
            arcs, first, np.flatnonzero(~lead), np.cumsum(lead) - 1, indptr, head[entry].astype(np.int32), pair
        )

    @cached_property
    def from_west(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Nodes from west to east, and their places."""
        order = np.argsort(self.xy[:, 0], kind="stable")
        return order.astype(np.int32), np.ascontiguousarray(self.xy[order].T)

    @cached_property
    def straight_m(self) -> NDArray[np.float64]:
        """Straight line between the ends of each arc."""
        line: NDArray[np.float64] = np.hypot(*(self.xy[self.tail] - self.xy[self.head]).T)
        return line

    def usual(self, cost: NDArray[np.float64]) -> float:
        """What a metre in a straight line usually costs where ways are cheap: as far as searches are tried first."""
        known = np.isfinite(cost) & (self.straight_m > 0)
        return _CHEAP * float(cost[known].sum() / self.straight_m[known].sum()) if known.any() else 0.0

    def near(self, place: NDArray[np.float64], radius_m: float) -> NDArray[np.int32]:
        """Nodes within a radius of a place, ascending."""
        order, (x, y) = self.from_west
        low, high = np.searchsorted(x, (place[0] - radius_m, place[0] + radius_m))
        east, north = x[low:high] - place[0], y[low:high] - place[1]
        return np.sort(order[low:high][east * east + north * north <= radius_m * radius_m])


@dataclass(frozen=True)
class _ArcPairs:
    """Arcs by pair (`first`: where each pair's begin; `second`: all others), and the pairs as CSR of both directions."""

    arc: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    of_arc: NDArray[np.int64]
    indptr: NDArray[np.int64]
    head: NDArray[np.int32]
    pair: NDArray[np.int32]

    def cheapest(self, cost: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Cost of each pair's cheapest arc, and which arc that is (of equal ones the first)."""
        each = cost[self.arc]
        least, chosen = each[self.first], self.arc[self.first]
        pair = self.of_arc[self.second]
        np.minimum.at(least, pair, each[self.second])
        better = np.flatnonzero((each[self.second] == least[pair]) & (each[self.first][pair] != least[pair]))[::-1]
        chosen[pair[better]] = self.arc[self.second[better]]  # the first of them is written last
        return least, chosen


@dataclass(frozen=True)
class TreeStarts:
    """Nodes from which searches start, each with what it costs to come there; a search may have several.

    Attributes
    ----------
    search : int (k,)
        Number of the search, from 0.
    node : int (k,)
        Row of the node.
    cost : float64 (k,)
    """

    search: NDArray[np.int64]
    node: NDArray[np.int64]
    cost: NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """Cheapest ways from every node that searches reached, ordered by search and node.

    Attributes
    ----------
    search, node : int64 (t,)
        Which search, which node.
    cost : float64 (t,)
        Cost from the search's start.
    parent : int64 (t,)
        Row, in these arrays, of the next node towards the start; -1 where the start is next.
    arc : int64 (t,)
        Arc taken to it; -1 where the start is next.
    start : int64 (t,)
        Row of the start that is next; -1 elsewhere.
    n_nodes : int
        Nodes of the whole net.
    """

    search: NDArray[np.int64]
    node: NDArray[np.int64]
    cost: NDArray[np.float64]
    parent: NDArray[np.int64]
    arc: NDArray[np.int64]
    start: NDArray[np.int64]
    n_nodes: int

    @cached_property
    def key(self) -> NDArray[np.int64]:
        """Search and node as one number, ascending."""
        return self.search * self.n_nodes + self.node

    def rows(self, search: NDArray[np.integer], node: NDArray[np.integer]) -> NDArray[np.int64]:
        """Row of each node in the tree of a search; -1 where it was not reached."""
        wanted = np.asarray(search, dtype=np.int64) * self.n_nodes + node
        if not len(self.key):
            return np.full(len(wanted), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[at] == wanted, at, -1)

    def of(self, searches: NDArray[np.bool_]) -> Trees:
        """The trees of some searches alone."""
        kept = searches[self.search]
        row = np.append(np.cumsum(kept) - 1, -1)
        return Trees(self.search[kept], self.node[kept], self.cost[kept], row[self.parent[kept]], self.arc[kept],
                     self.start[kept], self.n_nodes)  # fmt: skip


def join_trees(parts: Sequence[Trees]) -> Trees:
    """Trees of different searches as one."""
    before = np.cumsum([0, *(len(part.node) for part in parts)])
    parent = np.concatenate([np.where(p.parent < 0, -1, p.parent + b) for p, b in zip(parts, before, strict=False)])
    search, node = (np.concatenate([getattr(part, name) for part in parts]) for name in ("search", "node"))
    order = np.argsort(search * parts[0].n_nodes + node)
    row = np.empty(len(order) + 1, dtype=np.int64)
    row[order], row[-1] = np.arange(len(order)), -1
    cost, arc, start = (
        np.concatenate([getattr(part, name) for part in parts])[order] for name in ("cost", "arc", "start")
    )
    return Trees(search[order], node[order], cost, row[parent[order]], arc, start, parts[0].n_nodes)


def grow_trees(
    net: ArcNet, cost: NDArray[np.float64], straightest: float, starts: TreeStarts, limits: NDArray[np.float64]
) -> Trees:
    """One bounded search per school or other goal, with the arc that leads on from every node reached.

    Local pieces of the net are laid side by side and searched at once, so that memory grows with the nodes reached. Of ways that
    cost exactly the same the one over the node of the lowest row counts, whatever else is searched with it.

    Parameters
    ----------
    net : ArcNet
    cost : float64 (m,)
        Of each arc, not below zero; inf closes it.
    straightest : float
        No arc costs less than this times the straight line between its ends.
    starts : TreeStarts
    limits : float64 (searches,)
        Highest cost, included; below zero: this search is left out.
    """
    least, chosen = net.pairs.cheapest(cost)
    price = least[net.pairs.pair], chosen
    rank = np.lexsort((np.arange(len(starts.node)), starts.cost, starts.node, starts.search))
    search, node = starts.search[rank], starts.node[rank]
    lead = np.ones(len(rank), dtype=bool)
    lead[1:] = (search[1:] != search[:-1]) | (node[1:] != node[:-1])
    rank = rank[lead & np.isfinite(starts.cost[rank]) & (limits[search] >= 0)]
    wanted, begin = np.unique(starts.search[rank], return_index=True)
    runs = {int(key): rank[low:high] for key, low, high in zip(wanted, begin, [*begin[1:], len(rank)], strict=False)}
    row_of = np.full(len(net.xy), -1, dtype=np.int32)
    found: list[Trees] = []
    usual = max(net.usual(cost), straightest)
    while len(wanted):
        short: list[NDArray[np.int64]] = []
        pieces: list[NDArray[np.int32]] = []
        size = at = 0
        for number, one in enumerate(wanted.tolist()):
            places = net.xy[starts.node[runs[one]]]
            middle = places.mean(axis=0)
            spare = float(np.hypot(*(places - middle).T).max()) + 1e-6
            pieces.append(net.near(middle, limits[one] / usual + spare if usual > 0 else np.inf))
            size += len(pieces[-1])
            if size >= _CHUNK_NODES or number == len(wanted) - 1:
                some = wanted[at : number + 1]
                trees, cut = _grow(
                    net, price, starts, [runs[key] for key in some.tolist()], pieces, some, limits, row_of
                )
                found.append(trees.of(~np.isin(np.arange(len(limits)), cut)) if len(cut) else trees)
                short.append(cut)
                pieces, size, at = [], 0, number + 1
        wanted = np.concatenate(short)
        usual = max(usual / 1.5, straightest)  # at the straightest no search leaves its piece
    if not found:
        none = np.zeros(0, dtype=np.int64)
        return Trees(none, none, np.zeros(0), none, none, none, len(net.xy))
    return join_trees(found) if len(found) > 1 else found[0]


def _grow(
    net: ArcNet, price: tuple[NDArray[np.float64], NDArray[np.int64]], starts: TreeStarts, runs: list[NDArray[np.int64]],
    pieces: list[NDArray[np.int32]], searches: NDArray[np.int64], limits: NDArray[np.float64], row_of: NDArray[np.int32],
) -> tuple[Trees, NDArray[np.int64]]:  # fmt: skip
    """Search copies of the local pieces, laid side by side; each search starts from one more node of its own.

    Returns the trees, and the searches that would go on beyond their piece.
    """
    node = np.concatenate(pieces)
    count, extra = len(node), len(runs)
    first = np.cumsum([0, *(len(piece) for piece in pieces)])
    begin = net.pairs.indptr[node]
    degree = net.pairs.indptr[node + 1] - begin
    at = spread(begin, degree)
    head_node = net.pairs.head[at]
    end = np.concatenate([[0], np.cumsum(degree)])
    head = np.empty(len(at), dtype=np.int32)
    own = np.empty(sum(len(run) for run in runs), dtype=np.int32)
    placed = 0
    for piece, run, low, high in zip(pieces, runs, first[:-1].tolist(), first[1:].tolist(), strict=True):
        row_of[piece] = np.arange(low, high, dtype=np.int32)
        head[end[low] : end[high]] = row_of[head_node[end[low] : end[high]]]
        own[placed : placed + len(run)] = row_of[starts.node[run]]
        placed += len(run)
        row_of[piece] = -1
    beyond = count + extra  # a street that leaves its piece ends in one more node, from which nothing goes on
    out = np.flatnonzero(head < 0)
    head[out] = beyond
    weight, run_of = price[0][at], np.concatenate(runs)
    per_run = np.cumsum([len(run) for run in runs])
    indptr = np.concatenate([end, end[-1] + per_run, end[-1:] + per_run[-1:]]).astype(np.int32)
    matrix = csr_array(
        (np.concatenate([weight, starts.cost[run_of]]), np.concatenate([head, own]), indptr),
        shape=(beyond + 1, beyond + 1),
    )
    limit = limits[searches]
    distance, before, _ = dijkstra(matrix, directed=True, indices=count + np.arange(extra), limit=float(limit.max()),
                                   min_only=True, return_predecessors=True)  # fmt: skip
    which = np.repeat(np.arange(extra), np.diff(first))
    tail = np.repeat(np.arange(count, dtype=np.int32), degree)
    from_ = tail[out]
    cut = searches[np.unique(which[from_[distance[from_] + weight[out] <= limit[which[from_]]]])]
    distance[beyond] = np.inf
    start = np.full(count, -1, dtype=np.int64)
    at_start = np.flatnonzero(starts.cost[run_of] == distance[own])
    start[own[at_start]] = run_of[at_start]
    parent, entry = _parents(distance, before, start, (tail, head, weight), at)
    arc = np.where(entry < 0, -1, price[1][net.pairs.pair[entry]])
    kept = distance[:count] <= limit[which]
    row = np.append(np.cumsum(kept) - 1, -1)
    at_node = node[kept].astype(np.int64)
    return Trees(
        searches[which[kept]], at_node, distance[:count][kept], row[parent[kept]], arc[kept], start[kept], len(net.xy)
    ), cut


def _parents(
    distance: NDArray[np.float64], before: NDArray[np.int32], start: NDArray[np.int64],
    streets: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]], entry: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Next node of each node and the `entry` that leads there: of equal ways over the lowest node.

    Where an entry costs nothing, so that both its ends are equally far, as the search had it.
    `streets`: tail, head and weight of each entry. -1 where a start is next, or nothing was found.
    """
    tail, head, weight = streets
    near, far = distance[tail], distance[head]
    equal = np.flatnonzero((near + weight == far) & (near < far))
    parent, taken = np.full(len(start), -1, dtype=np.int64), np.full(len(start), -1, dtype=np.int64)
    order = equal[::-1]  # the lowest is written last
    parent[head[order]], taken[head[order]] = tail[order], entry[order]
    parent[start >= 0], taken[start >= 0] = -1, -1
    free = np.isfinite(distance[: len(start)]) & (parent < 0) & (start < 0)
    if free.any():
        rest = np.flatnonzero(np.append(free, np.zeros(len(distance) - len(start), dtype=bool))[head])
        rest = rest[tail[rest] == before[head[rest]]]
        parent[head[rest]], taken[head[rest]] = tail[rest], entry[rest]
    return parent, taken
