"""To and from networkx, so that an osmnx graph can come in and an analyst can take ours out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xiqing_space.crs import GEOGRAPHIC, project
from xiqing_space.errors import InputDataError
from xiqing_space.network.graph import WalkGraph, assemble

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: WalkGraph, metric_epsg: int) -> networkx.MultiGraph:
    """An undirected MultiGraph that osmnx and networkx functions understand.

    Nodes carry `x`, `y` (metres in `metric_epsg`, also the graph attribute `crs`); edges are keyed by edge_id and carry
    `length` in metres and `osmid`.
    """
    import networkx as nx

    result = nx.MultiGraph(crs=f"EPSG:{metric_epsg}")
    for name, (x, y) in zip(graph.node_id.tolist(), graph.xy.tolist(), strict=True):
        result.add_node(name, x=x, y=y)
    ids = graph.node_id
    for edge, u, v, length in zip(
        graph.edge_id.tolist(), graph.u.tolist(), graph.v.tolist(), graph.length_m.tolist(), strict=True
    ):
        result.add_edge(ids[u], ids[v], key=edge, length=length, osmid=edge)
    return result


def from_networkx(source: networkx.Graph, metric_epsg: int) -> WalkGraph:
    """A `WalkGraph` from any networkx graph whose edges have `length` in metres and whose nodes have `x` and `y`.

    Parameters
    ----------
    source : Graph, DiGraph, MultiGraph or MultiDiGraph
        Directions are dropped (walking). `x`, `y` are degrees when the graph attribute `crs` is missing or EPSG:4326,
        else they are in that system.
    metric_epsg : int
        System of the result.

    Raises
    ------
    InputDataError
        A length or a place is missing or no number; the first offenders are listed.
    """
    from pyproj import CRS

    names = sorted(source.nodes, key=str)
    row = {name: index for index, name in enumerate(names)}
    problems = [
        f"node {name}: x, y" for name in names if not _number(source.nodes[name].get("x"), source.nodes[name].get("y"))
    ]
    edges: dict[tuple[str, str], tuple[str, int, int, float]] = {}
    every: Any = source.edges(keys=True, data=True) if source.is_multigraph() else (
        (u, v, 0, data) for u, v, data in source.edges(data=True)
    )  # fmt: skip
    for u, v, key, data in every:
        length = data.get("length")
        if not _number(length) or float(length) < 0:
            problems.append(f"edge {u}, {v}, {key}: length = {length!r}")
            continue
        low, high = sorted((row[u], row[v]))
        # osmnx holds a two-way street as two edges with one osmid
        name = str(data.get("osmid", key))
        edges.setdefault((f"{name}:{names[low]}-{names[high]}", str(float(length))), (name, low, high, float(length)))
    if problems:
        raise InputDataError(
            "图缺少数据 / the graph lacks data", first=problems, todo="补充 length, x, y / add length, x, y"
        )
    system = CRS.from_user_input(source.graph.get("crs", GEOGRAPHIC)).to_epsg() or GEOGRAPHIC
    xy = np.asarray([[source.nodes[name]["x"], source.nodes[name]["y"]] for name in names], dtype=float).reshape(-1, 2)
    ordered = sorted((f"{key[0]}", *value[1:]) for key, value in edges.items())
    ids: list[str] = []
    seen: dict[str, int] = {}
    for base, *_ in ordered:
        seen[base] = seen.get(base, 0) + 1
        ids.append(base if seen[base] == 1 else f"{base}:{seen[base]}")
    return assemble(
        np.asarray([str(name) for name in names], dtype=object),
        project(xy, system, metric_epsg),
        np.asarray(ids, dtype=object),
        np.asarray([edge[1] for edge in ordered], dtype=np.int32),
        np.asarray([edge[2] for edge in ordered], dtype=np.int32),
        np.asarray([edge[3] for edge in ordered], dtype=np.float64),
    )


def _number(*values: Any) -> bool:
    try:
        return all(np.isfinite(float(value)) for value in values)
    except (TypeError, ValueError):
        return False
