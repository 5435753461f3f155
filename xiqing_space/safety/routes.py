"""Routes: the safest way of every child to its school that is no unreasonable detour.

One bounded search per school and cost, from all its gates outwards. Three trees: the safest way, one half-hearted (`between`)
and the shortest; a home takes the first whose length is within the detour allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xiqing_space.network.graph import spread
from xiqing_space.network.trees import ArcNet, Trees, TreeStarts, grow_trees, join_trees
from xiqing_space.safety.forest import Found, Pieces, lay_pieces
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.safety.way_values import TIES, Prices, RouteSettings, WaysIn, WayValues, net_of, price_of
from xiqing_space.schemas.safety import TREES

_HALF_MM = 0.0005


@dataclass(frozen=True)
class SchoolWalks:
    """Homes and schools on a graph with sides. Pairs of them are given as two arrays, `home` and `school`.

    Attributes
    ----------
    graph : SidedGraph
    homes, schools : WaysIn
        Ways in by home and by school.
    home_xy : float64 (homes, 2)
        Places of the homes, metric.
    settings : RouteSettings
    values : WayValues
    """

    graph: SidedGraph
    homes: WaysIn
    schools: WaysIn
    home_xy: NDArray[np.float64]
    settings: RouteSettings
    values: WayValues

    @property
    def n_schools(self) -> int:
        """One more than the highest school that has a way in."""
        return int(self.schools.owner[-1]) + 1 if len(self.schools) else 0


@dataclass(frozen=True)
class Nearest:
    """The shortest walks of pairs of home and school.

    Attributes
    ----------
    length_m : float64 (pairs,)
        NaN where there is none within `max_route_m`.
    apart : bool (pairs,)
        Whether no street joins the two, however long the walk.
    pieces : Pieces
        The ways themselves.
    """

    length_m: NDArray[np.float64]
    apart: NDArray[np.bool_]
    pieces: Pieces


@dataclass(frozen=True)
class Routed:
    """Routes of pairs of home and school.

    Attributes
    ----------
    tree : int8 (pairs,)
        Whose route each takes, as a place in `TREES`; -1 where there is none.
    shortest_m : float64 (pairs,)
    pieces : dict of tree to Pieces
        The ways in each tree that anybody takes; `pieces[tree].leaf` is -1 for pairs that take another one.
    """

    tree: NDArray[np.int8]
    shortest_m: NDArray[np.float64]
    pieces: dict[str, Pieces]


def walk_shortest(
    walks: SchoolWalks, home: NDArray[np.int64], school: NDArray[np.int64], hint_m: NDArray[np.float64] | None = None
) -> Nearest:
    """The shortest walks, legs included; of equally short ones the safest.

    Parameters
    ----------
    walks : SchoolWalks
    home, school : int64 (pairs,)
    hint_m : float64 (pairs,), optional
        About how far each is, where known; saves time and changes nothing.
    """
    most = walks.settings.max_route_m
    search = _Search(walks, TIES)
    apart = _apart(walks, home, school)
    far = search.straight(home, school)
    guess = 1.3 * far + 100.0
    if hint_m is not None:
        guess = np.where(np.isnan(hint_m), guess, hint_m + 10.0)
    waiting = ~apart & (far <= most)
    limits = np.full(walks.n_schools, -1.0)
    np.maximum.at(limits, school[waiting], np.minimum(guess[waiting], most))
    parts: list[Trees] = []
    todo = limits
    while True:
        trees = search.grow(todo)
        found = search.choose(trees, home, school)
        # what lies beyond its search's limit may be nearer another way round
        short = waiting & (todo[school] >= 0) & (todo[school] < most) & ~(found.cost <= todo[school])
        again = np.full(walks.n_schools, -1.0)
        again[school[short]] = np.minimum(2.0 * todo[school[short]], most)
        parts.append(trees.of((again < 0) & (todo >= 0)))
        if not short.any():
            break
        todo = again
    trees = join_trees(parts)
    found = search.choose(trees, home, school)
    length = found.cost
    near = waiting & (length <= most + _HALF_MM)
    pieces = lay_pieces(walks.graph, trees, found.only(near), home, school, walks.homes, walks.schools, search.start_m)
    total = np.full(len(home), np.nan)
    total[near] = pieces.sums((pieces.metres + pieces.leg_m)[:, None])[pieces.leaf[near], 0]
    return Nearest(total, apart, pieces)


def choose_routes(walks: SchoolWalks, home: NDArray[np.int64], school: NDArray[np.int64], nearest: Nearest) -> Routed:
    """The route that each pair takes: the safest, the one in between, or the shortest.

    Parameters
    ----------
    nearest : Nearest
        Of the same pairs.
    """
    settings = walks.settings
    pairs = len(home)
    tree = np.full(pairs, -1, dtype=np.int8)
    tree[~np.isnan(nearest.length_m)] = TREES.index("shortest")
    pieces: dict[str, Pieces] = {}
    left = tree >= 0
    for name, part in (("safest", 1.0), ("between", settings.between)):
        if not left.any():
            break
        search = _Search(walks, part)
        # the safest way costs no more than the shortest does
        shortest = nearest.pieces
        cost = shortest.sums(shortest.cost(search.prices)[:, None])[shortest.leaf[left], 0]
        limits = np.full(walks.n_schools, -1.0)
        np.maximum.at(limits, school[left], cost + 1e-6)
        trees = search.grow(limits)
        found = search.choose(trees, home, school).only(left)
        mine = lay_pieces(walks.graph, trees, found, home, school, walks.homes, walks.schools, search.start_m)
        length = np.full(pairs, np.nan)
        length[left] = mine.sums((mine.metres + mine.leg_m)[:, None])[mine.leaf[left], 0]
        good = left & (np.round(length, 2) <= settings.detour_max * np.round(nearest.length_m, 2))
        tree[good] = TREES.index(name)
        pieces[name] = mine.only(good)
        left &= ~good
    pieces["shortest"] = nearest.pieces.only(left)
    return Routed(tree, nearest.length_m, {name: one for name, one in pieces.items() if (one.leaf >= 0).any()})


class _Search:
    """Searches from all ways into schools at one price."""

    def __init__(self, walks: SchoolWalks, part: float) -> None:
        self.walks = walks
        self.prices: Prices = price_of(walks.graph, walks.values, walks.settings, part)
        self.net: ArcNet = net_of(walks.graph)
        graph, gates = walks.graph, walks.schools
        behind = np.column_stack([gates.offset_m, graph.length_m[gates.arc] - gates.offset_m])
        self.start_m: NDArray[np.float64] = (
            behind.ravel()
        )  # metres from each start, of two at each way in, to its arc's end
        cost = self.prices.leg(gates)[:, None] + behind * self.prices.per_m[gates.arc][:, None]
        ends = np.column_stack([graph.tail[gates.arc], graph.head[gates.arc]]).astype(np.int64)
        self.starts = TreeStarts(np.repeat(gates.owner, 2), ends.ravel(), cost.ravel())

    def straight(self, home: NDArray[np.int64], school: NDArray[np.int64]) -> NDArray[np.float64]:
        """Straight line from each home to the nearest street end at its school; inf where that has no way in."""
        graph, gates = self.walks.graph, self.walks.schools
        best = np.full(len(home), np.inf)
        low, many = gates.bounds(school)
        pair = np.repeat(np.arange(len(home)), many)
        arc = gates.arc[spread(low, many)]
        for end in (graph.tail, graph.head):
            np.minimum.at(best, pair, np.hypot(*(graph.xy[end[arc]] - self.walks.home_xy[home[pair]]).T))
        return best

    def grow(self, limits: NDArray[np.float64]) -> Trees:
        """Trees of the schools whose limit is not below zero."""
        return grow_trees(self.net, self.prices.arc, self.prices.straightest, self.starts, limits)

    def choose(self, trees: Trees, home: NDArray[np.int64], school: NDArray[np.int64]) -> Found:
        """Of each pair the cheapest way: over either end of an arc that the home joins, or along an arc that both join."""
        graph, homes, gates, prices = self.walks.graph, self.walks.homes, self.walks.schools, self.prices
        low, many = homes.bounds(home)
        pair, way = np.repeat(np.arange(len(home)), many), spread(low, many)
        arc = homes.arc[way]
        leg = prices.leg(homes)[way]
        metres = np.column_stack([homes.offset_m[way], graph.length_m[arc] - homes.offset_m[way]]).ravel()
        ends = np.column_stack([graph.tail[arc], graph.head[arc]]).ravel()
        row = trees.rows(np.repeat(school[pair], 2), ends)
        there = np.append(trees.cost, np.inf)[row]
        cost = there + metres * np.repeat(prices.per_m[arc], 2) + np.repeat(leg, 2)
        # a home and a school on one arc
        key = gates.owner * len(graph.edge) + gates.arc
        order = np.argsort(key, kind="stable")
        mine = school[pair] * len(graph.edge) + arc
        begin = np.searchsorted(key[order], mine, "left")
        count = np.searchsorted(key[order], mine, "right") - begin
        which, gate = np.repeat(np.arange(len(way)), count), order[spread(begin, count)]
        between = np.abs(homes.offset_m[way[which]] - gates.offset_m[gate])
        along = between * prices.per_m[arc[which]] + leg[which] + prices.leg(gates)[gate]
        every = np.concatenate([cost, along])
        owner = np.concatenate([np.repeat(pair, 2), pair[which]])
        best = np.full(len(home), np.inf)
        np.minimum.at(best, owner, every)
        chosen = np.full(len(home), len(every), dtype=np.int64)
        hits = np.flatnonzero((every == best[owner]) & np.isfinite(every))
        np.minimum.at(chosen, owner[hits], hits)
        none = chosen == len(every)
        direct = chosen >= len(cost)

        def of(over: NDArray[np.generic], straight: NDArray[np.generic], missing: float) -> NDArray[np.generic]:
            return np.concatenate([over, straight, [missing]])[chosen]

        return Found(
            way=np.where(none, -1, of(np.repeat(way, 2), way[which], -1)).astype(np.int64),
            row=np.where(direct, -1, of(row, np.full(len(which), -1), -1)).astype(np.int64),
            gate=of(np.full(len(cost), -1), gate, -1).astype(np.int64),
            metres=of(metres, between, np.nan).astype(float),
            cost=best,
        )


def parts_of(graph: SidedGraph) -> NDArray[np.int32]:
    """Connected part of each corner, numbered in their order."""
    n = len(graph.node_id)
    matrix = coo_array((np.ones(len(graph.tail), dtype=np.int8), (graph.tail, graph.head)), shape=(n, n))
    labels: NDArray[np.int32] = connected_components(matrix, directed=False)[1]
    return labels


def _apart(walks: SchoolWalks, home: NDArray[np.int64], school: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs that no street joins, because they lie in different parts of the network or one has no way in."""
    graph = walks.graph
    part = parts_of(graph)
    size = int(part.max(initial=-1)) + 1
    joined = [part[graph.tail[ways.arc]] + ways.owner * size for ways in (walks.homes, walks.schools)]
    low, many = walks.homes.bounds(home)
    pair = np.repeat(np.arange(len(home)), many)
    mine = joined[0][spread(low, many)] % max(size, 1) + school[pair] * size
    apart = np.ones(len(home), dtype=bool)
    apart[pair[np.isin(mine, joined[1])]] = False
    return apart
