"""Pairs: which homes lie within a limit of which site, how far each is, and how much street each site reaches.

One search per site, from all its ways in at once, on the piece of the graph round them; pieces of many sites are laid side by
side and searched together, as `reach_each` does. What a piece found is turned into pairs before the next one is searched, so
memory grows with the pairs and never with sites × nodes or sites × homes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from xiqing_space.network.graph import WalkGraph, spread
from xiqing_space.network.reach import Seeds

_CHUNK_NODES = 50_000  # copies of nodes searched at once: what a processor keeps at hand
_BLOCK_LINKS = 256  # ways in whose surroundings are looked up at once
ROUNDING_M = 0.005  # a distance this far beyond the limit may still round to it


@dataclass(frozen=True)
class Owned:
    """Places on edges, each with the row of its owner; an owner may have any number of them, or none.

    Attributes
    ----------
    seeds : Seeds
    owner : int64 (k,)
        0 … count - 1.
    count : int
        Number of owners.
    """

    seeds: Seeds
    owner: NDArray[np.int64]
    count: int

    def sorted(self, graph: WalkGraph) -> Owned:
        """The same by owner, without those on closed edges: nobody gets on or off there."""
        usable = np.flatnonzero(np.isfinite(graph.length_m[self.seeds.edge]))
        order = usable[np.argsort(self.owner[usable], kind="stable")]
        return Owned(self.seeds.take(order), self.owner[order], self.count)


@dataclass(frozen=True)
class Pairs:
    """Site and home within the limit, ordered by site and home; `reached_m`: street within each smaller limit, by site.

    Attributes
    ----------
    site, home : int64 (p,)
        Rows of the owners.
    distance_m : float64 (p,)
        Rounded to centimetres as it is decided and written.
    reached_m : float64 (sites, limits)
    """

    site: NDArray[np.int64]
    home: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    reached_m: NDArray[np.float64]

    def within(self, limit_m: float) -> Pairs:
        """Those within a smaller limit."""
        kept = self.distance_m <= limit_m
        return Pairs(self.site[kept], self.home[kept], self.distance_m[kept], self.reached_m)


@dataclass(frozen=True)
class _Found:
    """What the searches of the sites first … stop - 1 found: nodes by site, with their distances."""

    first: int
    stop: int
    site: NDArray[np.int64]
    node: NDArray[np.int64]
    distance_m: NDArray[np.float64]


class PairSearch:
    """Homes on a graph made ready once, to be asked for the pairs of any number of kinds.

    Parameters
    ----------
    graph : WalkGraph
    homes : Owned
        Ways out of every home.
    """

    def __init__(self, graph: WalkGraph, homes: Owned) -> None:
        self.graph = graph
        self._spreader = _Spreader(graph, homes.sorted(graph))

    @cached_property
    def _streets(self) -> _Streets:
        return _Streets(self.graph)

    def pairs(self, sites: Owned, limit_m: float, reached_within_m: tuple[float, ...] = ()) -> Pairs:
        """All pairs of a site and a home within a limit on foot.

        A pair says that the home is near enough, not that the site has a place for the child or that the way is safe.

        Parameters
        ----------
        sites : Owned
            Ways in. Both legs count, the best of all ways in is taken, and two on one edge may walk along it: the least
            distance of a home over all sites is the one that `nearest_along` finds, to the last digit.
        limit_m : float
            Farthest distance, included: `round(d, 2) <= limit_m`.
        reached_within_m : tuple of float
            Limits, at most `limit_m`, for which the length of street that each site reaches is wanted.

        Returns
        -------
        Pairs
        """
        sites = sites.sorted(self.graph)
        reached = np.zeros((sites.count, len(reached_within_m)))
        parts = []
        for found in _searches(self.graph, sites, limit_m + ROUNDING_M):
            low, high = np.searchsorted(sites.owner, (found.first, found.stop))
            mine = Owned(sites.seeds.take(np.arange(low, high)), sites.owner[low:high], sites.count)
            parts.append(self._spreader.pairs(found, mine, limit_m))
            if reached_within_m:
                reached[found.first : found.stop] = self._streets.lengths(found, mine, reached_within_m)
        if not parts:
            nothing = np.zeros(0, dtype=np.int64)
            return Pairs(nothing, nothing, np.zeros(0), reached)
        site, home, distance = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Pairs(site, home, distance, reached)


def _searches(graph: WalkGraph, sites: Owned, limit_m: float) -> Iterator[_Found]:
    """Bounded searches from all ways in of each site, some sites at a time, in their order."""
    seeds = sites.seeds
    u, v = graph.u[seeds.edge], graph.v[seeds.edge]
    share = seeds.offset_m / np.maximum(graph.length_m[seeds.edge], 1e-9)
    # from this place on the straight line between its ends neither end is farther than the walk to it: one circle holds all
    place = graph.xy[u] + (graph.xy[v] - graph.xy[u]) * np.clip(share, 0.0, 1.0)[:, None]
    radius = min(limit_m / graph.straightest, graph.across_m) if graph.straightest > 0 else graph.across_m
    row_of = np.full(graph.n_nodes, -1, dtype=np.int32)
    begin = np.searchsorted(sites.owner, np.arange(sites.count + 1))
    at = 0
    while at < sites.count:
        stop = max(at + 1, int(np.searchsorted(begin, begin[at] + _BLOCK_LINKS, side="right")) - 1)
        if begin[stop] == begin[at]:  # sites without a way in
            at = stop
            continue
        sizes, near = graph.strips.near(place[begin[at] : begin[stop]], radius + 1e-6)
        ends = np.concatenate([[0], np.cumsum(sizes)])[begin[at : stop + 1] - begin[at]]
        while at < stop:
            base = stop - len(ends) + 1  # first site of `ends`
            until = max(at + 1, base + int(np.searchsorted(ends, ends[at - base] + _CHUNK_NODES, side="right")) - 1)
            links = slice(int(begin[at]), int(begin[until]))
            offset = int(begin[base])
            owner = np.repeat(sites.owner[links], sizes[links.start - offset : links.stop - offset])
            candidates = near[int(ends[at - base]) : int(ends[until - base])]
            key = np.sort(owner * graph.n_nodes + candidates, kind="stable")  # each circle comes in order
            fresh = np.ones(len(key), dtype=bool)  # sites of many ways in have many circles over one another
            fresh[1:] = key[1:] != key[:-1]
            yield _search(graph, sites, links, (at, until), key[fresh], row_of, limit_m)
            at = until


def _search(
    graph: WalkGraph, sites: Owned, links: slice, span: tuple[int, int], key: NDArray[np.int64],
    row_of: NDArray[np.int32], limit_m: float,
) -> _Found:  # fmt: skip
    """Copies of the local pieces side by side as one graph of disjoint parts; each way in is a node of its own."""
    strips = graph.strips
    owner, place = np.divmod(key, graph.n_nodes)
    seeds, begin = sites.seeds.take(np.arange(links.start, links.stop)), strips.indptr[place]
    degree = strips.indptr[place + 1] - begin
    at = spread(begin, degree)
    head_place, head = strips.indices[at], np.empty(len(at), dtype=np.int32)
    u, v = graph.u[seeds.edge], graph.v[seeds.edge]
    to_u, to_v, loop = seeds.offset_m + seeds.leg_m, graph.length_m[seeds.edge] - seeds.offset_m + seeds.leg_m, u == v
    cost = np.column_stack([np.where(loop, np.minimum(to_u, to_v), to_u), np.where(loop, np.inf, to_v)])
    ends, end_row = strips.place[np.column_stack([u, v])], np.empty((len(seeds), 2), dtype=np.int32)
    rows = np.arange(len(place), dtype=np.int32)
    bounds = np.searchsorted(owner, np.arange(span[0], span[1] + 1))
    arcs = np.concatenate([[0], np.cumsum(degree)])[bounds].tolist()
    ways = np.searchsorted(sites.owner[links], np.arange(span[0], span[1] + 1)).tolist()
    bounds = bounds.tolist()
    for piece in range(span[1] - span[0]):
        mine = place[bounds[piece] : bounds[piece + 1]]
        row_of[mine] = rows[bounds[piece] : bounds[piece + 1]]
        head[arcs[piece] : arcs[piece + 1]] = row_of[head_place[arcs[piece] : arcs[piece + 1]]]
        end_row[ways[piece] : ways[piece + 1]] = row_of[ends[ways[piece] : ways[piece + 1]]]
        row_of[mine] = -1
    n, k = len(place), len(seeds)
    head[head < 0] = n  # a street that leaves its piece ends in one more node, from which nothing goes on
    kept = (cost <= limit_m) & (end_row >= 0)
    per_way = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    indptr = np.concatenate([[0], np.cumsum(degree), len(at) + per_way]).astype(np.int32)
    matrix = csr_array(
        (np.concatenate([strips.weight[at], cost[kept]]), np.concatenate([head, end_row[kept]]), indptr),
        shape=(n + 1 + k, n + 1 + k),
    )
    distance = dijkstra(matrix, directed=True, indices=np.arange(n + 1, n + 1 + k), limit=limit_m, min_only=True)[:n]
    reached = np.flatnonzero(np.isfinite(distance))
    return _Found(span[0], span[1], owner[reached], strips.node[place[reached]], distance[reached])


class _Spreader:
    """Nodes to homes: at each node the links that leave an edge there, and on each edge the links that lie on it."""

    def __init__(self, graph: WalkGraph, homes: Owned) -> None:
        seeds = homes.seeds
        ends = np.concatenate([graph.u[seeds.edge], graph.v[seeds.edge]])
        order = np.argsort(ends, kind="stable")
        along = np.concatenate([seeds.offset_m, graph.length_m[seeds.edge] - seeds.offset_m])
        self.indptr = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=graph.n_nodes))])
        self.along, self.leg = along[order], np.concatenate([seeds.leg_m, seeds.leg_m])[order]
        self.home = np.concatenate([homes.owner, homes.owner])[order]
        self.homes, self.by_edge = homes, np.argsort(seeds.edge, kind="stable")
        self.edges = seeds.edge[self.by_edge]

    def pairs(
        self, found: _Found, sites: Owned, limit_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Site, home and distance of all pairs that a search found, ordered."""
        begin = self.indptr[found.node]
        size = self.indptr[found.node + 1] - begin
        at = spread(begin, size)
        # summed in the order in which `nearest_along` sums, so that both round alike
        distance = np.repeat(found.distance_m, size) + self.along[at] + self.leg[at]
        near = distance <= limit_m + ROUNDING_M
        site, home, straight = self._same_edge(sites, limit_m)
        key = np.repeat(found.site, size)[near] * max(self.homes.count, 1) + self.home[at[near]]
        key = np.concatenate([key, site * max(self.homes.count, 1) + home])
        distance = np.concatenate([distance[near], straight])
        if not len(key):
            return key, key, distance
        order = np.argsort(key)
        key = key[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        least = np.round(np.minimum.reduceat(distance[order], first), 2).astype(np.float64)
        kept = least <= limit_m
        site, home = np.divmod(key[first[kept]], max(self.homes.count, 1))
        return site, home, least[kept]

    def _same_edge(
        self, sites: Owned, limit_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Pairs that share an edge, walking along it."""
        low = np.searchsorted(self.edges, sites.seeds.edge, "left")
        many = np.searchsorted(self.edges, sites.seeds.edge, "right") - low
        other = self.by_edge[spread(low, many)]
        way = np.repeat(np.arange(len(many)), many)
        seeds, homes = sites.seeds, self.homes.seeds
        along = np.abs(homes.offset_m[other] - seeds.offset_m[way]) + homes.leg_m[other] + seeds.leg_m[way]
        near = along <= limit_m + ROUNDING_M
        return sites.owner[way[near]], self.homes.owner[other[near]], along[near]


class _Streets:
    """Every open edge from either end, parallel ones and loops too: how much of it is reached."""

    def __init__(self, graph: WalkGraph) -> None:
        self.graph = graph
        edge = np.flatnonzero(np.isfinite(graph.length_m))
        tail = np.concatenate([graph.u[edge], graph.v[edge]])
        order = np.argsort(tail, kind="stable")
        self.indptr = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=graph.n_nodes))])
        self.head = np.concatenate([graph.v[edge], graph.u[edge]])[order]
        self.length = np.concatenate([graph.length_m[edge], graph.length_m[edge]])[order]
        self.far = np.full(graph.n_nodes, np.inf)  # distances of one site at a time

    def lengths(self, found: _Found, sites: Owned, limits_m: tuple[float, ...]) -> NDArray[np.float64]:
        """Metres of street within each limit of each site of a search."""
        count = found.stop - found.first
        begin = self.indptr[found.node]
        size = self.indptr[found.node + 1] - begin
        at = spread(begin, size)
        arcs = np.concatenate([[0], np.cumsum(size)])
        head, length, there = self.head[at], self.length[at], np.empty(len(at))
        own_edge, own_site = self._own_edges(sites)
        ends = np.column_stack([self.graph.u[own_edge], self.graph.v[own_edge]])
        own_ends = np.empty(ends.shape)
        steps = np.arange(found.first, found.stop + 1)
        nodes, ways = np.searchsorted(found.site, steps), np.searchsorted(own_site, steps).tolist()
        bounds, nodes = arcs[nodes].tolist(), nodes.tolist()
        for row in range(count):
            mine = found.node[nodes[row] : nodes[row + 1]]
            self.far[mine] = found.distance_m[nodes[row] : nodes[row + 1]]
            there[bounds[row] : bounds[row + 1]] = self.far[head[bounds[row] : bounds[row + 1]]]
            own_ends[ways[row] : ways[row + 1]] = self.far[ends[ways[row] : ways[row + 1]]]
            self.far[mine] = np.inf
        here, site = np.repeat(found.distance_m, size), np.repeat(found.site - found.first, size)
        result = np.empty((count, len(limits_m)))
        own = _OwnEdges(self.graph.length_m[own_edge], own_ends, *self._ways_on(own_edge, own_site, sites))
        for column, limit in enumerate(limits_m):
            reached = np.bincount(site, weights=_from_end(limit, here, there, length), minlength=count)
            # the two ends' parts of a site's own edges are taken off, and what is really reached of them put on
            put = own.union(limit) - _from_end(limit, own_ends[:, 0], own_ends[:, 1], own.length)
            put -= _from_end(limit, own_ends[:, 1], own_ends[:, 0], own.length)
            result[:, column] = reached + np.bincount(own_site - found.first, weights=put, minlength=count)
        return np.maximum(result, 0.0)

    def _own_edges(self, sites: Owned) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        key = np.unique(sites.owner * max(len(self.graph.u), 1) + sites.seeds.edge)
        site, edge = np.divmod(key, max(len(self.graph.u), 1))
        return edge, site

    def _ways_on(
        self, edge: NDArray[np.int64], site: NDArray[np.int64], sites: Owned
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Of each way in: which of the sites' own edges it lies on, where, and its leg."""
        m = max(len(self.graph.u), 1)
        row = np.searchsorted(site * m + edge, sites.owner * m + sites.seeds.edge)
        return row, sites.seeds.offset_m, sites.seeds.leg_m


def _from_end(
    limit_m: float, here: NDArray[np.float64], there: NDArray[np.float64], length: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Metres of an edge reached from one end, up to where the way from its other end is shorter."""
    with np.errstate(invalid="ignore"):
        middle = np.minimum((length + there - here) / 2.0, length)
    left = np.maximum(limit_m - here, 0.0)
    return np.where(np.isfinite(here), np.minimum(left, np.maximum(middle, 0.0)), 0.0)


@dataclass(frozen=True)
class _OwnEdges:
    """Edges on which a site has ways in of its own: length, distance of both ends; of each way: row, place, leg."""

    length: NDArray[np.float64]
    ends: NDArray[np.float64]
    row: NDArray[np.int64]
    place: NDArray[np.float64]
    leg: NDArray[np.float64]

    def union(self, limit_m: float) -> NDArray[np.float64]:
        """Metres of each edge that are reached from an end or from a way in, counted once."""
        every = np.arange(len(self.length))
        row = np.concatenate([every, every, self.row])
        left = limit_m - self.leg
        begin = np.concatenate([np.zeros(len(every)), self.length - (limit_m - self.ends[:, 1]), self.place - left])
        end = np.concatenate([limit_m - self.ends[:, 0], self.length, self.place + left])
        begin, end = np.maximum(begin, 0.0), np.minimum(end, self.length[row])
        kept = end > begin
        row, begin, end = row[kept], begin[kept], end[kept]
        order = np.lexsort((begin, row))
        row, begin, end = row[order], begin[order], end[order]
        # edges laid end to end, so that the farthest end so far is one running maximum
        apart = row * (float(self.length.max(initial=0.0)) + 1.0)
        before = np.concatenate([[-np.inf], np.maximum.accumulate(end + apart)[:-1]]) if len(row) else end
        fresh = np.maximum(end + apart - np.maximum(begin + apart, before), 0.0)
        reached: NDArray[np.float64] = np.bincount(row, weights=fresh, minlength=len(every)).astype(np.float64)
        return reached
