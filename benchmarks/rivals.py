"""The peers, each task in a process of its own: `python -m benchmarks.rivals TASK …` prints one line of JSON."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import INNER, LIMIT_M, N_KINDS


def osmnx_graph(source: str) -> dict[str, Any]:
    """osmnx, from .osm XML, simplified, all parts kept."""
    import osmnx

    began = time.perf_counter()
    graph = osmnx.graph_from_xml(source, bidirectional=True, simplify=True, retain_all=True)
    return {"seconds": time.perf_counter() - began, "nodes": len(graph), "edges": graph.number_of_edges()}


def pyrosm_graph(source: str, kind: str, parts: str) -> dict[str, Any]:
    """pyrosm, from .osm.pbf, simplified as it does by itself; `parts`: "largest" as it comes, or "all"."""
    from pyrosm import OSM

    if kind == "igraph":
        import igraph  # noqa: F401
    else:
        import networkx  # noqa: F401
    began = time.perf_counter()
    osm = OSM(source)
    nodes, edges = osm.get_network(network_type="walking", nodes=True)
    graph = osm.to_graph(nodes, edges, graph_type=kind, retain_all=parts == "all")
    seconds = time.perf_counter() - began
    size = (graph.vcount(), graph.ecount()) if kind == "igraph" else (len(graph), graph.number_of_edges())
    return {"seconds": seconds, "nodes": size[0], "edges": size[1]}


def repeat(action: Callable[[], Any]) -> tuple[float, float, Any]:
    """Median seconds of INNER repeats, seconds of the first, and the result."""
    spent = []
    for _ in range(INNER):
        began = time.perf_counter()
        result = action()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent), spent[0], result


def _networkx(path: str) -> tuple[Any, dict[str, Any], float]:
    import networkx

    data = dict(np.load(path))
    began = time.perf_counter()
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(data["xy"])))
    ends = zip(data["simple_u"].tolist(), data["simple_v"].tolist(), data["simple_length_m"].tolist(), strict=True)
    graph.add_weighted_edges_from(ends)
    return graph, data, time.perf_counter() - began


def _pandana(path: str) -> tuple[Any, dict[str, Any], float]:
    import pandana
    import pandas as pd

    data = dict(np.load(path))
    x, y = (pd.Series(one) for one in data["xy"].T)
    u, v = pd.Series(data["simple_u"]), pd.Series(data["simple_v"])
    began = time.perf_counter()
    network = pandana.Network(x, y, u, v, pd.DataFrame({"length": data["simple_length_m"]}), twoway=True)
    return network, data, time.perf_counter() - began


def networkx_nearest(path: str, out: str) -> dict[str, Any]:
    """One multi-source search a kind: how far, and which facility, which networkx tells as the first node of the path."""
    import networkx

    def search(graph: Any, one: set[int]) -> tuple[Any, Any]:
        length, ways = networkx.multi_source_dijkstra(graph, one, cutoff=LIMIT_M, weight="weight")
        return length, {node: way[0] for node, way in ways.items()}

    return _networkx_nearest(path, out, search)


def networkx_lengths_nearest(path: str, out: str) -> dict[str, Any]:
    """One multi-source search a kind: how far only."""
    import networkx

    def search(graph: Any, one: set[int]) -> tuple[Any, Any]:
        return networkx.multi_source_dijkstra_path_length(graph, one, cutoff=LIMIT_M, weight="weight"), None

    return _networkx_nearest(path, out, search)


def _networkx_nearest(path: str, out: str, search: Callable[[Any, set[int]], tuple[Any, Any]]) -> dict[str, Any]:
    graph, data, building = _networkx(path)
    sets = [set(data["facility"][data["kind"] == kind].tolist()) for kind in range(N_KINDS)]
    seconds, first, found = repeat(lambda: [search(graph, one) for one in sets])
    distance = np.full((N_KINDS, len(data["xy"])), np.inf)
    for row, (length, _) in zip(distance, found, strict=True):
        row[list(length)] = list(length.values())
    np.savez(out, distance=distance)
    return {"seconds": seconds, "first": first, "building": building}


def networkx_catchments(path: str, out: str) -> dict[str, Any]:
    """One single-source search a source."""
    import networkx

    graph, data, building = _networkx(path)
    sources = data["source"].tolist()
    seconds, first, found = repeat(
        lambda: [
            networkx.single_source_dijkstra_path_length(graph, one, cutoff=LIMIT_M, weight="weight") for one in sources
        ]
    )
    np.savez(
        out,
        search=np.repeat(np.arange(len(found)), [len(one) for one in found]),
        node=np.asarray([node for one in found for node in one]),
        distance=np.asarray([length for one in found for length in one.values()]),
    )
    return {"seconds": seconds, "first": first, "building": building, "pairs": sum(len(one) for one in found)}


def pandana_nearest(path: str, out: str) -> dict[str, Any]:
    """Facilities set as points of interest, then the nearest one, kind by kind."""
    network, data, building = _pandana(path)
    places = [data["xy"][data["facility"][data["kind"] == kind]] for kind in range(N_KINDS)]

    def search() -> list[Any]:
        found = []
        for kind, place in enumerate(places):
            network.set_pois(f"kind {kind}", maxdist=LIMIT_M, maxitems=1, x_col=place[:, 0], y_col=place[:, 1])
            found.append(network.nearest_pois(LIMIT_M, f"kind {kind}", num_pois=1, include_poi_ids=True))
        return found

    seconds, first, found = repeat(search)
    distance = np.stack([one[1].sort_index().to_numpy(dtype=float) for one in found])
    np.savez(out, distance=np.where(distance >= LIMIT_M, np.inf, distance))
    return {"seconds": seconds, "first": first, "building": building}


def pandana_catchments(path: str, out: str) -> dict[str, Any]:
    """All sources in one call, as its documentation has it."""
    network, data, building = _pandana(path)
    sources = data["source"]
    seconds, first, found = repeat(lambda: network.nodes_in_range(sources, LIMIT_M))
    order = np.argsort(sources)
    search = order[np.searchsorted(sources[order], found["source"].to_numpy())]
    np.savez(out, search=search, node=found["destination"].to_numpy(), distance=found["length"].to_numpy(dtype=float))
    return {"seconds": seconds, "first": first, "building": building, "pairs": len(found)}


if __name__ == "__main__":
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "osmnx_graph": osmnx_graph, "pyrosm_graph": pyrosm_graph, "networkx_nearest": networkx_nearest, "networkx_lengths_nearest": networkx_lengths_nearest,
        "networkx_catchments": networkx_catchments, "pandana_nearest": pandana_nearest, "pandana_catchments": pandana_catchments,
    }  # fmt: skip
    print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
