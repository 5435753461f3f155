"""Routes as pieces of way: from each gate outwards a tree whose leaves are homes, so that all sums are made once down or up it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiqing_space.network.graph import spread
from xiqing_space.network.trees import Trees
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.safety.way_values import Prices, WaysIn


@dataclass(frozen=True)
class Found:
    """The cheapest way of each pair of home and school.

    Attributes
    ----------
    way : int64 (pairs,)
        Way in of the home; -1 where nothing was found.
    row : int64 (pairs,)
        Row of the trees where it enters; -1 where it walks along one arc all the way.
    gate : int64 (pairs,)
        In that case the school's way in; else -1.
    metres : float64 (pairs,)
        Along the home's arc.
    cost : float64 (pairs,)
        inf where nothing was found.
    """

    way: NDArray[np.int64]
    row: NDArray[np.int64]
    gate: NDArray[np.int64]
    metres: NDArray[np.float64]
    cost: NDArray[np.float64]

    def only(self, pairs: NDArray[np.bool_]) -> Found:
        """The others as if nothing had been found."""
        return replace(self, way=np.where(pairs, self.way, -1))


@dataclass(frozen=True)
class Pieces:
    """Pieces of way, gates first: each goes on over its `parent`, which comes before it.

    Attributes
    ----------
    parent : int64 (p,)
        Piece that comes next on the way to school; -1 inside the gate.
    bounds : int64 (depths + 1,)
        Where each depth begins.
    school : int64 (p,)
    corner : int64 (p,)
        Row of the graph's corner where the piece begins; -1 for the pieces at a home or gate.
    arc, edge, crossing : int64 (p,)
        What is walked along and crossed; -1 for none.
    metres, leg_m : float64 (p,)
        Length on streets, and between the street and the door.
    part : float64 (p,)
        How much of the crossing: 1, or 0.5 before a door whose side of the street is not known.
    gate : int64 (p,)
        Way into the school where the piece ends inside its gate; else -1.
    way : int64 (p,)
        Way in of the home where the piece begins at its door; else -1.
    leaf : int64 (pairs,)
        Piece at which each pair's way begins; -1 where it has none.
    """

    parent: NDArray[np.int64]
    bounds: NDArray[np.int64]
    school: NDArray[np.int64]
    corner: NDArray[np.int64]
    arc: NDArray[np.int64]
    edge: NDArray[np.int64]
    crossing: NDArray[np.int64]
    metres: NDArray[np.float64]
    leg_m: NDArray[np.float64]
    part: NDArray[np.float64]
    gate: NDArray[np.int64]
    way: NDArray[np.int64]
    leaf: NDArray[np.int64]

    def only(self, pairs: NDArray[np.bool_]) -> Pieces:
        """The others as if they had no way here; pieces stay."""
        return replace(self, leaf=np.where(pairs, self.leaf, -1))

    def cost(self, prices: Prices) -> NDArray[np.float64]:
        """What each piece costs."""
        walked = self.metres * np.where(self.arc < 0, 1.0, prices.per_m[self.arc])
        total: NDArray[np.float64] = walked + self.leg_m + prices.over[self.crossing] * self.part
        return total

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums from each piece, itself included, to the gate; float64 (p, columns)."""
        return sums_down(self.parent, self.bounds, values)

    def greatest(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Greatest value from each piece to the gate, and at which piece: of equal ones the nearest to the gate."""
        return greatest_down(self.parent, self.bounds, values)

    def way_in(self) -> NDArray[np.int64]:
        """Way into the school at which each piece's way ends."""
        gate = self.gate.copy()
        for low, high in pairwise(self.bounds[1:].tolist()):
            gate[low:high] = gate[self.parent[low:high]]
        return gate

    def passing(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of the pairs' weights that pass each piece; float64 (p, columns) from (pairs, columns)."""
        total = np.zeros((weights.shape[1], len(self.parent)))
        starts = np.flatnonzero(self.leaf >= 0)
        for column in range(weights.shape[1]):
            mine = total[column]
            np.add.at(mine, self.leaf[starts], weights[starts, column])
            for low, high in reversed(list(pairwise(self.bounds[1:].tolist()))):
                np.add.at(mine, self.parent[low:high], mine[low:high])
        return total.T

    def passed_again(self, item: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Pieces whose item (an edge or crossing; -1: none) comes once more on the way to the gate.

        A pupil who walks up one side of a street to the zebra and back on the other passes it twice, and is one pupil.
        """
        depth = np.searchsorted(self.bounds, np.arange(len(self.parent)), side="right")
        key = self.school * (int(item.max(initial=0)) + 1) + item
        at_home = self.way >= 0
        at_home[self.parent[at_home]] = True
        upper = np.flatnonzero((item >= 0) & ~at_home)
        order = upper[np.argsort(key[upper], kind="stable")]
        lower = np.flatnonzero(item >= 0)
        low, high = (np.searchsorted(key[order], key[lower], side) for side in ("left", "right"))
        at, above = np.repeat(lower, high - low), order[spread(low, high - low)]
        known = depth[at] > depth[above]
        start, at, above = at[known], at[known], above[known]
        while True:
            deeper = np.flatnonzero(depth[at] > depth[above])
            if not len(deeper):
                break
            at[deeper] = self.parent[at[deeper]]
        again = np.zeros(len(self.parent), dtype=bool)
        again[start[at == above]] = True
        return again


def sums_down(parent: NDArray[np.int64], bounds: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over every row and all that come after it; rows in the order of `by_depth`."""
    total = np.array(values, dtype=float)
    for low, high in pairwise(bounds[1:].tolist()):
        total[low:high] += total[parent[low:high]]
    return total


def greatest_down(
    parent: NDArray[np.int64], bounds: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Greatest over every row and all that come after it, and in which row: of equal ones the last of them."""
    best, where = np.array(values, dtype=float), np.arange(len(values))
    for low, high in pairwise(bounds[1:].tolist()):
        above = parent[low:high]
        at = np.flatnonzero(best[above] >= best[low:high])
        best[low + at], where[low + at] = best[above[at]], where[above[at]]
    return best, where


def depths(parent: NDArray[np.int64]) -> NDArray[np.int32]:
    """How many rows come after each on its way to a row without a parent."""
    root = parent < 0
    above = np.where(root, np.arange(len(parent)), parent).astype(np.int32)
    depth = (~root).astype(np.int32)
    while not root[above].all():
        depth += depth[above]
        above = above[above]
    return depth


def by_depth(parent: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows with the parents first: their order, the place of each row in it (and of -1, none: -1), and where each depth begins."""
    depth = depths(parent)
    small = (
        depth.astype(np.uint16) if len(depth) and depth.max() < 65536 else depth
    )  # sorted by digits, without comparing
    order = np.argsort(small, kind="stable")
    place = np.empty(len(parent) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(parent)), -1
    return order, place, np.searchsorted(depth[order], np.arange(int(depth.max(initial=-1)) + 2))


def lay_pieces(
    graph: SidedGraph, trees: Trees, found: Found, home: NDArray[np.int64], school: NDArray[np.int64], homes: WaysIn,
    gates: WaysIn, start_m: NDArray[np.float64],
) -> Pieces:  # fmt: skip
    """The ways of all pairs as pieces: gate, its arc, arcs of the tree, the home's arc, its door.

    Parameters
    ----------
    found : Found
        Of the pairs `home` and `school`.
    start_m : float64 (starts,)
        Metres along the gate's arc from each start of the trees; two starts a way in, by the arc's tail and head.
    """
    there = np.flatnonzero(found.way >= 0)
    tree_row = _used(trees, found.row[there])
    direct = found.row[there] < 0
    starts = np.unique(trees.start[tree_row][trees.start[tree_row] >= 0])
    gate = np.unique(np.concatenate([starts // 2, found.gate[there[direct]]]))
    count = np.cumsum([0, len(gate), len(starts), len(tree_row), len(there), len(there)])
    at_gate, at_start, at_tree, at_arc, at_door = (slice(a, b) for a, b in pairwise(count.tolist()))
    total, way = int(count[-1]), found.way[there]

    def fill(values: NDArray[Any], parts: dict[int, NDArray[Any]]) -> NDArray[Any]:
        for place, part in parts.items():
            values[(at_gate, at_start, at_tree, at_arc, at_door)[place]] = part
        return values

    def whole(parts: dict[int, NDArray[np.int64]]) -> NDArray[np.int64]:
        return fill(np.full(total, -1, dtype=np.int64), parts)

    def real(missing: float, parts: dict[int, NDArray[np.float64]]) -> NDArray[np.float64]:
        return fill(np.full(total, missing), parts)

    enters = np.where(
        direct, np.searchsorted(gate, found.gate[there]), np.searchsorted(tree_row, found.row[there]) + count[2]
    )
    parent = whole({
        1: np.searchsorted(gate, starts // 2), 2: _onward(trees, tree_row, starts, count), 3: enters,
        4: np.arange(len(there)) + count[3],
    })  # fmt: skip
    arc = whole({1: gates.arc[starts // 2], 2: trees.arc[tree_row], 3: homes.arc[way]})
    edge = np.where(arc < 0, -1, graph.edge[arc])
    over = np.where(arc < 0, -1, graph.crossing[arc])
    over[at_start], over[at_arc] = -1, -1  # what an arc crosses belongs to the whole of it
    crossing = np.where(arc < 0, whole({0: gates.crossing[gate], 4: homes.crossing[way]}), over)
    length = np.append(graph.length_m, 0.0)
    metres = real(0.0, {1: start_m[starts], 2: length[trees.arc[tree_row]], 3: found.metres[there]})
    leg = real(0.0, {0: gates.leg_m[gate], 4: homes.leg_m[way]})
    part = real(1.0, {0: gates.part[gate], 4: homes.part[way]})
    owner = whole({0: gates.owner[gate], 1: gates.owner[starts // 2], 2: trees.search[tree_row],
                                  3: school[there], 4: school[there]})  # fmt: skip
    corner = whole({2: trees.node[tree_row]})
    inside, door = whole({0: gate}), whole({4: way})
    order, place, bounds = by_depth(parent)
    leaf = np.full(len(home), -1, dtype=np.int64)
    leaf[there] = place[count[4] : count[5]]
    return Pieces(
        place[parent[order]], bounds, owner[order], corner[order], arc[order], edge[order], crossing[order], metres[order],
        leg[order], part[order], inside[order], door[order], leaf,
    )  # fmt: skip


def _onward(
    trees: Trees, tree_row: NDArray[np.int64], starts: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Piece after each row of the trees: another row's, or the arc at the gate where a start is next."""
    above, start = trees.parent[tree_row], trees.start[tree_row]
    below = np.searchsorted(tree_row, np.where(above < 0, tree_row, above)) + count[2]
    after: NDArray[np.int64] = np.where(start >= 0, np.searchsorted(starts, start) + count[1], below)
    return after


def _used(trees: Trees, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that lie on a way from some rows to the start, ascending."""
    used = np.zeros(len(trees.node), dtype=bool)
    here = np.unique(rows[rows >= 0])
    while len(here):
        used[here] = True
        here = trees.parent[here]
        here = here[here >= 0]
        here = np.unique(here[~used[here]])
    return np.flatnonzero(used)
