"""Our side, each task in a process of its own: `python -m benchmarks.ours TASK …` prints one line of JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import INNER, LIMIT_M, N_KINDS


def graph_from_pbf(source: str, epsg: str) -> dict[str, Any]:
    """From file to walking graph."""
    from xiqing_space.catalog import load_catalogue
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.ingest.streets import read_osm_streets
    from xiqing_space.network.graph import build_graph

    began = time.perf_counter()
    streets = read_osm_streets(Path(source), load_catalogue(), metric_epsg=int(epsg), quality=Quality())
    graph = build_graph(streets, "walk", int(epsg))
    return {"seconds": time.perf_counter() - began, "nodes": graph.n_nodes, "edges": len(graph.u)}


def _load(path: str) -> tuple[Any, Any, float]:
    from xiqing_space.network.graph import assemble

    data = dict(np.load(path))
    began = time.perf_counter()
    node_id = np.arange(len(data["xy"])).astype(object)
    edge_id = np.arange(len(data["u"])).astype(object)
    graph = assemble(node_id, data["xy"], edge_id, data["u"], data["v"], data["length_m"])
    return graph, data, time.perf_counter() - began


def repeat(action: Callable[[], Any]) -> tuple[float, float, Any]:
    """Median seconds of INNER repeats, seconds of the first, and the result."""
    spent = []
    for _ in range(INNER):
        began = time.perf_counter()
        result = action()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent), spent[0], result


def nearest(path: str, out: str) -> dict[str, Any]:
    """Distance of every node to the nearest facility of each kind."""
    from xiqing_space.network.reach import Seeds, nearest_nodes

    graph, data, building = _load(path)
    edge_at = np.full(graph.n_nodes, -1, dtype=np.int64)  # any edge at a node will do; a facility sits on its end
    for ends in (graph.v, graph.u):
        edge_at[ends] = np.arange(len(ends))
    edge = edge_at[data["facility"]]
    offset = np.where(graph.u[edge] == data["facility"], 0.0, graph.length_m[edge])
    mine = [data["kind"] == kind for kind in range(N_KINDS)]
    seeds = [Seeds(edge[one], offset[one], np.zeros(int(one.sum()))) for one in mine]
    seconds, first, found = repeat(lambda: [nearest_nodes(graph, one, LIMIT_M)[0] for one in seeds])
    np.savez(out, distance=np.stack(found))
    return {"seconds": seconds, "first": first, "building": building}


def catchments(path: str, out: str) -> dict[str, Any]:
    """Every node within the limit of each source, one search a source."""
    from xiqing_space.network.reach import reach_each

    graph, data, building = _load(path)
    seconds, first, (search, node, distance) = repeat(lambda: reach_each(graph, data["source"], LIMIT_M))
    np.savez(out, search=search, node=node, distance=distance)
    return {"seconds": seconds, "first": first, "building": building, "pairs": len(search)}


if __name__ == "__main__":
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "graph": graph_from_pbf,
        "nearest": nearest,
        "catchments": catchments,
    }
    print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
