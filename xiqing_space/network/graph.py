"""The graph of one profile as CSR arrays. Undirected: on foot every street goes both ways."""

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
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.memory import collection_paused
from xiqing_space.texts import among, as_texts

STRIP_M = 300.0  # width of the strips in which nodes are looked up


@dataclass(frozen=True)
class Strips:
    """Nodes in strips of equal width from west to east, by northing within each: a lookup by two binary searches a strip.

    `key` is strip × `span` + northing, sorted; `node` the row of each in the graph, `place` the other way round. A strip's own
    northings never reach the next strip's. `indptr`, `indices` and `weight` are the graph's CSR in this order, so that what a
    local search reads lies side by side in memory.
    """

    low: NDArray[np.float64]
    span: float
    node: NDArray[np.int64]
    key: NDArray[np.float64]
    place: NDArray[np.int32]
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    weight: NDArray[np.float64]

    def near(self, places: NDArray[np.float64], radius: float) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Candidates within a radius of each place (and a few beyond): how many for each, and all of them in strip order, end to end."""
        x, y = (places - self.low).T
        reach = int(np.ceil(radius / STRIP_M))
        strip = np.floor(x / STRIP_M)[:, None] + np.arange(-reach, reach + 1)
        aside = np.maximum(np.maximum(strip * STRIP_M - x[:, None], x[:, None] - (strip + 1) * STRIP_M), 0.0)
        half = np.sqrt(np.maximum(radius**2 - aside**2, 0.0))
        south = np.maximum(y[:, None] - half, -0.25 * self.span)
        north = np.minimum(y[:, None] + half, 0.5 * self.span)
        begin = np.searchsorted(self.key, (strip * self.span + south).ravel(), "left")
        size = np.searchsorted(self.key, (strip * self.span + north).ravel(), "right") - begin
        size[(strip < 0).ravel()] = 0
        return size.reshape(len(places), -1).sum(axis=1), spread(begin, size)


def spread(begin: NDArray[np.integer], size: NDArray[np.integer]) -> NDArray[np.int32]:
    """The whole numbers begin, begin + 1, … of every run, end to end."""
    end = np.cumsum(size)
    total = int(end[-1]) if len(end) else 0
    runs = np.repeat((begin - (end - size)).astype(np.int32), size)
    runs += np.arange(total, dtype=np.int32)
    return runs


@dataclass(frozen=True)
class WalkGraph:
    """Nodes and edges open to one profile, in id order, so that the order of input rows changes nothing.

    Attributes
    ----------
    node_id : object (n,)
        Sorted node ids.
    xy : float64 (n, 2)
        Node places in the metric system.
    edge_id : object (m,)
        Sorted edge ids; parallel edges are all here.
    u, v : int32 (m,)
        Rows of the end nodes.
    length_m : float64 (m,)
        Length of each edge.
    indptr, indices, weight : arrays
        CSR of the simple graph: between two nodes the shortest edge counts, loops are left out.
    """

    node_id: NDArray[np.object_]
    xy: NDArray[np.float64]
    edge_id: NDArray[np.object_]
    u: NDArray[np.int32]
    v: NDArray[np.int32]
    length_m: NDArray[np.float64]
    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]
    weight: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_id)

    @cached_property
    def component(self) -> NDArray[np.int32]:
        """Connected part of each node, numbered in node order."""
        matrix = csr_array((self.weight, self.indices, self.indptr), shape=(self.n_nodes, self.n_nodes))
        labels: NDArray[np.int32] = connected_components(matrix, directed=False)[1]
        return labels

    @cached_property
    def component_length_m(self) -> NDArray[np.float64]:
        """Street length of each connected part."""
        if not self.n_nodes:
            return np.zeros(0)
        total: NDArray[np.float64] = np.bincount(
            self.component[self.u], weights=self.length_m, minlength=int(self.component.max()) + 1
        ).astype(np.float64)
        return total

    @cached_property
    def straightest(self) -> float:
        """Least length ÷ straight distance over all edges, at most 1: how far a straight line can overstate a path.

        1 for streets measured in this metric system; less for a foreign graph whose lengths are shorter than its lines.
        """
        straight = np.hypot(*(self.xy[self.u] - self.xy[self.v]).T)
        far = straight > 1e-6
        if not far.any():
            return 1.0
        return float(min(1.0, (self.length_m[far] / straight[far]).min()))

    @cached_property
    def across_m(self) -> float:
        """Length of the diagonal of all nodes' places."""
        return float(np.hypot(*np.ptp(self.xy, axis=0))) if self.n_nodes else 0.0

    @cached_property
    def strips(self) -> Strips:
        """Lookup of nodes by place."""
        low = self.xy.min(axis=0) if self.n_nodes else np.zeros(2)
        x, y = (self.xy - low).T
        span = 2.0 * float(y.max(initial=0.0)) + 1.0
        key = np.floor(x / STRIP_M) * span + y
        node = np.argsort(key, kind="stable")
        place = np.empty(self.n_nodes, dtype=np.int32)
        place[node] = np.arange(self.n_nodes, dtype=np.int32)
        degree = np.diff(self.indptr)[node]
        at = spread(self.indptr[node], degree)
        indptr = np.concatenate([[0], np.cumsum(degree)]).astype(np.int32)
        return Strips(low, span, node, key[node], place, indptr, place[self.indices[at]], self.weight[at])

    def without_edges(self, edge_ids: set[str]) -> WalkGraph:
        """The same graph with some edges closed. Rows of nodes and edges stay; a closed edge is infinitely long."""
        closed = among(self.edge_id, sorted(edge_ids)) if edge_ids else None
        length = self.length_m if closed is None else np.where(closed, np.inf, self.length_m)
        return assemble(self.node_id, self.xy, self.edge_id, self.u, self.v, length)


def assemble(
    node_id: NDArray[np.object_],
    xy: NDArray[np.float64],
    edge_id: NDArray[np.object_],
    u: NDArray[np.int32],
    v: NDArray[np.int32],
    length_m: NDArray[np.float64],
) -> WalkGraph:
    """A `WalkGraph` from its edge list; scipy would add parallel entries up, so the least one is taken first."""
    n = len(node_id)
    usable = (u != v) & np.isfinite(length_m)
    low, high = np.minimum(u[usable], v[usable]).astype(np.int64), np.maximum(u[usable], v[usable]).astype(np.int64)
    key, length = low * n + high, length_m[usable]
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else order
    key, length = key[first], np.minimum.reduceat(length[order], first) if len(key) else length
    low, high = key // max(n, 1), key % max(n, 1)
    tail, head = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.argsort(tail * n + head)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=n))]).astype(np.int32)
    return WalkGraph(
        node_id, xy, edge_id, u, v, length_m, indptr, head[order].astype(np.int32),
        np.concatenate([length, length])[order],
    )  # fmt: skip


def build_graph(streets: pd.DataFrame, profile: str, metric_epsg: int) -> WalkGraph:
    """The graph of a profile from the `streets` table.

    Parameters
    ----------
    streets : DataFrame
        Columns edge_id, u, v, length_m, geometry (EPSG:4326) and the flag of the profile; any row order.
    profile : {"walk", "pram"}
        Name of the flag column.
    metric_epsg : int
        System in which node places are given.
    """
    with collection_paused():
        return _from_streets(streets, profile, metric_epsg)


def _from_streets(streets: pd.DataFrame, profile: str, metric_epsg: int) -> WalkGraph:
    rows = np.flatnonzero(streets[profile].to_numpy(dtype=bool))
    edge_id = as_texts(streets["edge_id"]).take(pa.array(rows))
    if not pc.all(pc.greater_equal(edge_id[1:], edge_id[:-1])).as_py():
        order = pc.sort_indices(edge_id)
        rows, edge_id = rows[order.to_numpy()], edge_id.take(order)
    at = pa.array(rows)
    codes, names = _coded(pa.concat_arrays([as_texts(streets[end]).take(at) for end in ("u", "v")]))
    half = len(rows)
    # a node's place is read off the first edge that ends there
    first = np.empty(len(names), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    geometry = np.asarray(streets["geometry"], dtype=object)[rows]
    vertices, end = shapely.get_coordinates(geometry), np.cumsum(shapely.get_num_coordinates(geometry))
    start = np.concatenate([[0], end[:-1]]) if half else end
    places = vertices[np.where(first < half, start[first % max(half, 1)], end[first % max(half, 1)] - 1)]
    return assemble(
        names,
        project(places, GEOGRAPHIC, metric_epsg),
        edge_id.to_numpy(zero_copy_only=False),
        codes[:half].astype(np.int32),
        codes[half:].astype(np.int32),
        streets["length_m"].to_numpy()[rows],
    )


def rows_of(wanted: Any, ids: Any) -> NDArray[np.int64]:
    """Row of each wanted text among `ids`, no two of which are equal; -1 where it is not there.

    pandas' own index does the same; Arrow's takes a tenth of the time with half a million of them.
    """
    place = pc.index_in(as_texts(wanted), value_set=as_texts(ids), skip_nulls=True)
    rows: NDArray[np.int64] = pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return rows


def _coded(texts: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Each text as the row of itself among all different ones, which are sorted."""
    coded = texts.dictionary_encode()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    names: NDArray[np.object_] = coded.dictionary.take(pa.array(order)).to_numpy(zero_copy_only=False)
    return rank[coded.indices.to_numpy()], names
