"""Reach: bounded shortest-path searches on scipy's compiled Dijkstra.

Why scipy: measured against networkx, pandana, networkit, igraph and a hand-written numba kernel it is within 1 to 2.2 times of
the fastest and needs no compiler. Its one weakness, many separate searches (facilities × nodes in memory), goes away when the
local pieces round all facilities are joined into one disjoint graph and searched once. See benchmarks/RESULTS.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from xiqing_space.network.graph import Strips, WalkGraph, spread

_CHUNK_NODES = 50_000  # copies of nodes searched at once by reach_each: what a processor keeps at hand, about 5 MB


@dataclass(frozen=True)
class Seeds:
    """Places on edges from which a search starts.

    Attributes
    ----------
    edge : int (k,)
        Row of the edge in the graph.
    offset_m : float64 (k,)
        Place on the edge, from u.
    leg_m : float64 (k,)
        What it costs to come from the place to its owner.
    """

    edge: NDArray[np.int64]
    offset_m: NDArray[np.float64]
    leg_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.edge)

    def take(self, rows: NDArray[np.int64]) -> Seeds:
        """Some of the places."""
        return Seeds(self.edge[rows], self.offset_m[rows], self.leg_m[rows])


def nearest_nodes(graph: WalkGraph, seeds: Seeds, limit_m: float) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Distance of every node to the nearest seed, its leg included, and which seed that is.

    Parameters
    ----------
    graph : WalkGraph
    seeds : Seeds
        Each hangs on both ends of its edge as a node of its own, so that the search itself says which one is nearest.
    limit_m : float
        Nodes farther than this are infinitely far.

    Returns
    -------
    distance_m : float64 (n,)
        inf where nothing is within the limit.
    seed : int32 (n,)
        Row of the nearest seed; -1 where none.
    """
    n, k = graph.n_nodes, len(seeds)
    if not k or not n:
        return np.full(n, np.inf), np.full(n, -1, dtype=np.int32)
    u, v = graph.u[seeds.edge], graph.v[seeds.edge]
    to_v = graph.length_m[seeds.edge] - seeds.offset_m + seeds.leg_m
    to_u = np.where(
        np.isfinite(to_v), seeds.offset_m + seeds.leg_m, np.inf
    )  # a closed edge lets nobody on at either end
    loop = u == v
    to_u = np.where(loop, np.minimum(to_u, to_v), to_u)
    head = np.column_stack([u, v]).ravel()
    cost = np.column_stack([to_u, np.where(loop, np.inf, to_v)]).ravel()
    kept = np.isfinite(cost)
    per_seed = kept.reshape(-1, 2).sum(axis=1)
    indptr = np.concatenate([graph.indptr, graph.indptr[-1] + np.cumsum(per_seed)], dtype=np.int32)
    indices = np.concatenate([graph.indices, head[kept]], dtype=np.int32)
    weight = np.concatenate([graph.weight, cost[kept]])
    matrix = csr_array((weight, indices, indptr), shape=(n + k, n + k))
    distance, _, source = dijkstra(
        matrix, directed=True, indices=np.arange(n, n + k), limit=limit_m, min_only=True, return_predecessors=True
    )
    seed = source[:n]
    seed -= n
    return distance[:n], np.maximum(seed, -1, out=seed)  # where nothing was found the source is far below zero


def reach_each(
    graph: WalkGraph, sources: NDArray[np.int64], limit_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """One separate bounded search per source node: the nodes within the limit and their distances.

    The pieces of the graph round all sources are joined into one disjoint graph and searched once, so memory grows with the
    nodes reached and never with sources × nodes.

    Parameters
    ----------
    graph : WalkGraph
    sources : int (k,)
        Node rows.
    limit_m : float
        Farthest distance, included.

    Returns
    -------
    search, node, distance_m : arrays of one length
        Which source (0 … k-1), which node row, how far; ordered by search and node.
    """
    if not len(sources):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    # a path of length d leaves its start by at most d / straightest in a straight line
    radius = min(limit_m / graph.straightest, graph.across_m) if graph.straightest > 0 else graph.across_m
    strips = graph.strips
    sizes, near = strips.near(graph.xy[sources], radius + 1e-6)
    ends, start = np.cumsum(sizes), strips.place[sources]
    # the row of each node within its piece: one lookup table, rewritten for each piece
    row_of = np.full(graph.n_nodes, -1, dtype=np.int32)
    found = []
    at = 0
    while at < len(sources):
        before = int(ends[at - 1]) if at else 0
        stop = max(at + 1, int(np.searchsorted(ends, before + _CHUNK_NODES, side="right")))
        candidates = near[before : int(ends[stop - 1])]
        piece = _search_pieces(strips, start[at:stop], candidates, sizes[at:stop], row_of, limit_m)
        found.append((piece[0] + at, *piece[1:]))
        at = stop
    search, place, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    node = strips.node[place]
    order = np.argsort(search * graph.n_nodes + node)  # no two are equal
    return search[order], node[order], distance[order]


def _search_pieces(
    graph: Strips,
    sources: NDArray[np.int32],
    place: NDArray[np.int32],
    sizes: NDArray[np.int64],
    row_of: NDArray[np.int32],
    limit_m: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Search copies of the local pieces, laid side by side as one graph of disjoint parts; nodes by their place in the strips."""
    first = np.concatenate([[0], np.cumsum(sizes)])
    begin = graph.indptr[place]
    degree = graph.indptr[place + 1] - begin
    edge_start = np.zeros(len(place) + 2, dtype=np.int32)
    np.cumsum(degree, out=edge_start[1:-1])
    edge_start[-1] = edge_start[-2]
    at = spread(begin, degree)
    head_place = graph.indices[at]
    rows = np.arange(len(place), dtype=np.int32)
    head = np.empty(len(at), dtype=np.int32)
    starts = np.empty(len(sources), dtype=np.int64)
    bounds, edges = first.tolist(), edge_start[first].tolist()
    for piece, source in enumerate(sources.tolist()):
        mine = place[bounds[piece] : bounds[piece + 1]]
        row_of[mine] = rows[bounds[piece] : bounds[piece + 1]]
        head[edges[piece] : edges[piece + 1]] = row_of[head_place[edges[piece] : edges[piece + 1]]]
        starts[piece] = row_of[source]
        row_of[mine] = -1
    head[head < 0] = len(place)  # a street that leaves its piece ends in one more node, from which nothing goes on
    matrix = csr_array((graph.weight[at], head, edge_start), shape=(len(place) + 1, len(place) + 1))
    distance = dijkstra(matrix, directed=True, indices=starts, limit=limit_m, min_only=True)[:-1]
    reached = np.flatnonzero(np.isfinite(distance))
    return np.searchsorted(first, reached, side="right") - 1, place[reached], distance[reached]


def nearest_along(
    graph: WalkGraph, seeds: Seeds, owners: Seeds, limit_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distance from each owner's link to the nearest seed, both legs included; walking along a shared edge is allowed.

    Returns
    -------
    distance_m : float64 (len(owners),)
        Rounded to centimetres as it is decided and written; inf beyond the limit.
    seed : int64
        Row of the nearest seed; -1 where none. Equal distances: the lowest row.
    """
    to_node, seed_of = nearest_nodes(graph, seeds, limit_m)
    u, v, length = graph.u[owners.edge], graph.v[owners.edge], graph.length_m[owners.edge]
    over_v = to_node[v] + (length - owners.offset_m) + owners.leg_m
    over_u = np.where(np.isfinite(length), to_node[u] + owners.offset_m + owners.leg_m, np.inf)
    best = np.minimum(over_u, over_v)
    seed = np.where(over_u <= over_v, seed_of[u], seed_of[v]).astype(np.int64)
    # links that share an edge with a seed may walk along it
    order = np.argsort(seeds.edge, kind="stable")
    sorted_edges = seeds.edge[order]
    low, high = np.searchsorted(sorted_edges, owners.edge, "left"), np.searchsorted(sorted_edges, owners.edge, "right")
    many = high - low
    owner = np.repeat(np.arange(len(owners)), many)
    start = np.repeat(low - np.concatenate([[0], np.cumsum(many)])[:-1], many)
    other = order[start + np.arange(len(owner))]
    along = np.abs(owners.offset_m[owner] - seeds.offset_m[other]) + owners.leg_m[owner] + seeds.leg_m[other]
    along = np.where(np.isfinite(length[owner]), along, np.inf)
    rank = np.lexsort((other, along, owner))
    owner, other, along = owner[rank], other[rank], along[rank]
    lead = np.ones(len(owner), dtype=bool)
    lead[1:] = owner[1:] != owner[:-1]
    owner, other, along = owner[lead], other[lead], along[lead]
    better = along < best[owner]
    best[owner[better]], seed[owner[better]] = along[better], other[better]
    best = np.round(best, 2).astype(np.float64)
    beyond = ~(best <= limit_m)
    best[beyond] = np.inf
    return best, np.where(beyond, -1, seed)
