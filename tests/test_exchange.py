"""osmnx graphs come in, ours go out; distances survive the trip."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest

from xiqing_space.errors import InputDataError
from xiqing_space.network import build_graph, from_networkx, reach_each, to_networkx

EPSG = 32635


@pytest.fixture(scope="module")
def graph(helsinki_run: Path):
    return build_graph(gpd.read_parquet(helsinki_run / "data/processed/streets.parquet"), "walk", EPSG)


def test_round_trip_keeps_nodes_edges_and_distances(graph) -> None:
    there = to_networkx(graph, EPSG)
    assert (there.number_of_nodes(), there.number_of_edges()) == (graph.n_nodes, len(graph.edge_id))
    assert there.graph["crs"] == f"EPSG:{EPSG}"
    back = from_networkx(there, EPSG)
    np.testing.assert_array_equal(back.node_id, graph.node_id)
    source = np.array([0, graph.n_nodes // 2])
    for ours, again in zip(reach_each(graph, source, 800.0), reach_each(back, source, 800.0), strict=True):
        np.testing.assert_allclose(ours, again, atol=1e-6)


def test_networkx_on_our_graph_gives_our_distances(graph) -> None:
    there = to_networkx(graph, EPSG)
    start = int(np.argmax(np.diff(graph.indptr)))
    _, node, distance = reach_each(graph, np.array([start]), 600.0)
    want = nx.single_source_dijkstra_path_length(there, graph.node_id[start], cutoff=600.0, weight="length")
    assert {graph.node_id[n] for n in node} == set(want)
    assert max(abs(want[graph.node_id[n]] - d) for n, d in zip(node, distance, strict=True)) < 1e-6


def test_a_directed_osmnx_graph_in_degrees_comes_in() -> None:
    source = nx.MultiDiGraph(crs="EPSG:4326")
    for name, x, y in ((7, 24.94, 60.17), (3, 24.941, 60.17), (5, 24.942, 60.17)):
        source.add_node(name, x=x, y=y)
    for u, v, length in ((3, 7, 55.6), (7, 3, 55.6), (3, 5, 55.7), (3, 5, 90.0)):
        source.add_edge(u, v, osmid=[11, 12], length=length)
    graph = from_networkx(source, EPSG)
    assert list(graph.node_id) == ["3", "5", "7"]
    assert len(graph.edge_id) == 3  # the two directions are one street, the detour stays apart
    assert len(set(graph.edge_id)) == 3
    _, node, distance = reach_each(graph, np.array([2]), 200.0)
    assert dict(zip(graph.node_id[node], distance.round(1), strict=True)) == {"7": 0.0, "3": 55.6, "5": 111.3}


def test_all_that_is_missing_is_listed_at_once() -> None:
    source = nx.Graph()
    source.add_node("a", x=1.0, y=2.0)
    source.add_node("b", x=float("nan"), y=2.0)
    source.add_edge("a", "b", length=-1)
    source.add_edge("a", "c")
    with pytest.raises(InputDataError) as caught:
        from_networkx(source, EPSG)
    assert len(caught.value.first) == 4
