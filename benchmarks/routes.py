"""Part g, each task in a process of its own: `python -m benchmarks.routes TASK …` prints one line of JSON.

Everyone gets the same simple graph with an `along` for each street and a `cross` for some of them, drawn with a fixed seed, and
makes the safest ways of every node near 20 schools: cost, length, sums and maxima along each. networkx in two ways: with the paths it hands
out, added up street by street, as its manual has it; and with its predecessors, from which sums are handed on from node to node.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

N_SCHOOLS, COST_LIMIT, ALPHA, BETA_M, INNER = 20, 6000.0, 0.1, 10.0, 3
COLUMNS = ("cost", "length_m", "along", "cross", "worst_along", "worst_cross")
# with these a metre costs about two on the way, so the limit is about 3,000 m: max_route_m of the catalogue
ALONGS, CROSSES = (0.5, 1.0, 3.0, 8.0, 15.0), (0.0, 0.0, 0.0, 1.0, 3.0, 12.0)


def draw(path: str, out: str) -> dict[str, Any]:
    """Schools and scores on a graph of `prepare graph`."""
    data = np.load(path)
    rng = np.random.default_rng(20240613)
    u, v, length = (data[f"simple_{name}"] for name in ("u", "v", "length_m"))
    along = rng.choice(ALONGS, len(u)) * rng.uniform(0.5, 1.5, len(u))
    cross = rng.choice(CROSSES, len(u)) * rng.uniform(0.5, 1.5, len(u))
    school = rng.choice(np.unique(np.concatenate([u, v])), N_SCHOOLS, replace=False)
    np.savez(out, xy=data["xy"], u=u, v=v, length_m=length, along=along, cross=cross, school=school,
             cost=length * (1.0 + ALPHA * along) + BETA_M * cross)  # fmt: skip
    return {"streets": len(u)}


def repeat(action: Callable[[], Any]) -> tuple[float, float, Any]:
    """Median seconds of INNER repeats, seconds of the first, and the result."""
    spent = []
    for _ in range(INNER):
        began = time.perf_counter()
        result = action()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent), spent[0], result


def ours(path: str, out: str) -> dict[str, Any]:
    """`grow_trees`, and sums and maxima down the trees."""
    from xiqing_space.network.trees import ArcNet, TreeStarts, grow_trees
    from xiqing_space.safety.forest import by_depth, greatest_down, sums_down

    data = dict(np.load(path))
    began = time.perf_counter()
    net = ArcNet(data["xy"], data["u"].astype(np.int32), data["v"].astype(np.int32))
    net.pairs, net.from_west  # noqa: B018  (made once, like the rivals' graphs)
    length, along, cross, cost = (data[name] for name in ("length_m", "along", "cross", "cost"))
    straight = np.hypot(*(net.xy[net.tail] - net.xy[net.head]).T)
    straightest = float(min(1.0, (cost[straight > 0] / straight[straight > 0]).min()))
    building = time.perf_counter() - began
    starts = TreeStarts(np.arange(N_SCHOOLS), data["school"].astype(np.int64), np.zeros(N_SCHOOLS))
    each = np.column_stack([np.append(one, 0.0) for one in (length, along * length, cross)])
    worst = [np.append(one, 0.0) for one in (along, cross)]

    def forest() -> Any:
        trees = grow_trees(net, cost, straightest, starts, np.full(N_SCHOOLS, COST_LIMIT))
        order, place, bounds = by_depth(trees.parent)
        parent, arc = place[trees.parent[order]], trees.arc[order]
        sums = sums_down(parent, bounds, each[arc])
        most = [greatest_down(parent, bounds, one[arc])[0] for one in worst]
        return trees.search[order], trees.node[order], np.column_stack([trees.cost[order], sums, *most])

    seconds, first, (search, node, table) = repeat(forest)
    np.savez(out, search=search, node=node, table=table)
    return {"seconds": seconds, "first": first, "building": building, "pairs": len(node)}


def _networkx(path: str) -> tuple[Any, list[int], float]:
    import networkx

    data = dict(np.load(path))
    began = time.perf_counter()
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(data["xy"])))
    names = ("u", "v", "cost", "length_m", "along", "cross")
    for u, v, cost, length, along, cross in zip(*(data[name].tolist() for name in names), strict=True):
        graph.add_edge(u, v, cost=cost, length=length, along=along, cross=cross)
    return graph, data["school"].tolist(), time.perf_counter() - began


def networkx_paths(path: str, out: str) -> dict[str, Any]:
    """`single_source_dijkstra` with its paths, each added up from end to end."""
    import networkx

    graph, schools, building = _networkx(path)
    streets = graph.adj

    def forest() -> Any:
        rows = []
        for search, school in enumerate(schools):
            costs, ways = networkx.single_source_dijkstra(graph, school, cutoff=COST_LIMIT, weight="cost")
            for node, way in ways.items():
                length = along = cross = worst_along = worst_cross = 0.0
                for here, there in itertools.pairwise(way):
                    street = streets[here][there]
                    length += street["length"]
                    along += street["along"] * street["length"]
                    cross += street["cross"]
                    worst_along = max(worst_along, street["along"])
                    worst_cross = max(worst_cross, street["cross"])
                rows.append((search, node, costs[node], length, along, cross, worst_along, worst_cross))
        return rows

    return _saved(out, *repeat(forest), building)


def networkx_handed_on(path: str, out: str) -> dict[str, Any]:
    """`dijkstra_predecessor_and_distance`, and sums handed on from each node to those behind it."""
    import networkx

    graph, schools, building = _networkx(path)
    streets = graph.adj

    def forest() -> Any:
        rows = []
        for search, school in enumerate(schools):
            before, costs = networkx.dijkstra_predecessor_and_distance(graph, school, cutoff=COST_LIMIT, weight="cost")
            known: dict[int, tuple[float, ...]] = {}
            for node, cost in costs.items():  # the nearest first
                if not before[node]:
                    known[node] = (0.0,) * 5
                else:
                    street = streets[before[node][0]][node]
                    length, along, cross, worst_along, worst_cross = known[before[node][0]]
                    known[node] = (
                        length + street["length"], along + street["along"] * street["length"], cross + street["cross"],
                        max(worst_along, street["along"]), max(worst_cross, street["cross"]),
                    )  # fmt: skip
                rows.append((search, node, cost, *known[node]))
        return rows

    return _saved(out, *repeat(forest), building)


def _saved(out: str, seconds: float, first: float, rows: list[tuple[float, ...]], building: float) -> dict[str, Any]:
    table = np.asarray(rows)
    np.savez(out, search=table[:, 0].astype(np.int64), node=table[:, 1].astype(np.int64), table=table[:, 2:])
    return {"seconds": seconds, "first": first, "building": building, "pairs": len(rows)}


def compare(one: str, other: str) -> dict[str, Any]:
    """Worst difference of two results over every node and column; nodes that only one of them reached are counted."""
    tables = []
    for path in (one, other):
        data = np.load(path)
        key = data["search"] * 100_000_000 + data["node"]
        order = np.argsort(key)
        tables.append((key[order], data["table"][order]))
    both = np.intersect1d(tables[0][0], tables[1][0])
    laid = [table[np.isin(key, both)] for key, table in tables]
    worst = np.abs(laid[0] - laid[1]) / np.maximum(1.0, np.abs(laid[1]))
    return {
        "worst": float(worst.max(initial=0.0)), "compared": int(laid[0].size),
        "missing": len(tables[0][0]) + len(tables[1][0]) - 2 * len(both),
    }  # fmt: skip


def score(source: str, epsg: str) -> dict[str, Any]:
    """Streets of an extract scored: attributes from tags and defaults, and then along, star and class for each edge."""
    from xiqing_space.catalog import load_catalogue
    from xiqing_space.ingest.quality import Quality
    from xiqing_space.ingest.street_tags import READ_KEYS, way_tags
    from xiqing_space.ingest.streets import read_osm_ways, streets_frame
    from xiqing_space.safety.attributes import resolve_attributes
    from xiqing_space.safety.score import score_segments
    from xiqing_space.tables import empty

    catalogue = load_catalogue()
    ways = read_osm_ways(Path(source), catalogue, Quality(), READ_KEYS)
    streets, tags = streets_frame(ways, catalogue, int(epsg)), way_tags(ways)
    began = time.perf_counter()
    found, _ = resolve_attributes(streets, tags, empty("road_points"), empty("street_survey"), catalogue, int(epsg))
    resolving = time.perf_counter() - began
    seconds, first, _ = repeat(lambda: score_segments(found, catalogue))
    return {"seconds": seconds, "first": first, "building": resolving, "edges": len(found),
            "per_second": int(len(found) / seconds)}  # fmt: skip


if __name__ == "__main__":
    tasks: dict[str, Callable[..., dict[str, Any]]] = {
        "draw": draw, "ours": ours, "networkx_paths": networkx_paths, "networkx_handed_on": networkx_handed_on,
        "compare": compare, "score": score,
    }  # fmt: skip
    print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
