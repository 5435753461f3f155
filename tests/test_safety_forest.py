"""Trees of cheapest ways and the pieces of way that are laid from them, against networkx and plain loops."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from way_drawing import random_walks

from xiqing_space.network.trees import ArcNet, Trees, TreeStarts, grow_trees, join_trees
from xiqing_space.safety.forest import Pieces, depths
from xiqing_space.safety.route_lines import way_of
from xiqing_space.safety.routes import choose_routes, walk_shortest
from xiqing_space.schemas.safety import TREES


def net_of(places: list[tuple[float, float]], arcs: list[tuple[int, int]]) -> ArcNet:
    ends = np.array(arcs, dtype=np.int32).reshape(-1, 2)
    return ArcNet(np.array(places, dtype=float), ends[:, 0], ends[:, 1])


def starts_of(*rows: tuple[int, int, float]) -> TreeStarts:
    kinds = (np.int64, np.int64, float)
    return TreeStarts(*(np.array([row[at] for row in rows], dtype=kind) for at, kind in enumerate(kinds)))


SQUARE = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]


def test_the_cheapest_of_parallel_arcs_is_taken_and_named() -> None:
    net = net_of(SQUARE, [(0, 1), (1, 0), (0, 1), (1, 2), (0, 0)])
    trees = grow_trees(net, np.array([130.0, 110, 110, 100, 1]), 1.0, starts_of((0, 0, 5.0)), np.array([1000.0]))
    assert trees.node.tolist() == [0, 1, 2]
    assert trees.cost.tolist() == [5, 115, 215]
    assert trees.arc.tolist() == [-1, 1, 3]  # of two equal ones the first
    assert trees.parent.tolist() == [-1, 0, 1]
    assert trees.start.tolist() == [0, -1, -1]


def test_equal_ways_go_over_the_lowest_node() -> None:
    for order in itertools.permutations([(0, 1), (1, 2), (0, 3), (3, 2)]):
        net = net_of(SQUARE, list(order))
        trees = grow_trees(net, np.full(4, 100.0), 1.0, starts_of((0, 0, 0.0)), np.array([1000.0]))
        corner = int(trees.rows(np.array([0]), np.array([2]))[0])
        assert trees.arc[corner] == order.index((1, 2))


def test_a_free_arc_leads_on_and_a_closed_one_does_not() -> None:
    net = net_of([(0.0, 0.0), (0.0, 0.0), (100.0, 0.0)], [(0, 1), (1, 2)])
    trees = grow_trees(net, np.array([0.0, 100.0]), 1.0, starts_of((0, 0, 0.0)), np.array([500.0]))
    assert trees.cost.tolist() == [0, 0, 100]
    assert trees.parent.tolist() == [-1, 0, 1]
    closed = grow_trees(net, np.array([0.0, np.inf]), 1.0, starts_of((0, 0, 0.0)), np.array([500.0]))
    assert closed.node.tolist() == [0, 1]


def test_limits_are_each_searchs_own_and_included() -> None:
    net = net_of(SQUARE, [(0, 1), (1, 2), (2, 3)])
    starts = starts_of((0, 0, 0.0), (1, 3, 0.0), (2, 0, 0.0))
    trees = grow_trees(net, np.full(3, 100.0), 1.0, starts, np.array([200.0, 100.0, -1.0]))
    assert list(zip(trees.search.tolist(), trees.node.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 2),
        (1, 3),
    ]
    assert trees.rows(np.array([0, 1, 1]), np.array([3, 3, 0])).tolist() == [-1, 4, -1]


def test_nothing_to_search() -> None:
    net = net_of(SQUARE, [(0, 1)])
    trees = grow_trees(net, np.array([100.0]), 1.0, starts_of(), np.zeros(0))
    assert len(trees.node) == 0
    assert trees.rows(np.array([0]), np.array([0])).tolist() == [-1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_trees_cost_what_networkx_says_and_lead_to_their_start(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    places = [tuple(one) for one in rng.uniform(0, 500, (n, 2))]
    arcs = [tuple(rng.choice(n, 2)) for _ in range(110)]
    net = net_of(places, arcs)
    straight = np.hypot(*(net.xy[net.tail] - net.xy[net.head]).T)
    cost = np.round(straight * rng.choice([1.0, 1.0, 3.0], len(arcs)) + 0.5, 0)
    starts = starts_of(
        *((search, int(rng.integers(n)), float(rng.integers(50))) for search in range(4) for _ in range(2))
    )
    limits = np.array([150.0, 400.0, 800.0, 5000.0])
    trees = grow_trees(net, cost, 0.5, starts, limits)
    plain = nx.MultiGraph()
    plain.add_nodes_from(range(n))
    plain.add_edges_from((u, v, {"cost": c}) for (u, v), c in zip(arcs, cost, strict=True))
    for search in range(4):
        graph = plain.copy()
        for row in np.flatnonzero(starts.search == search):
            graph.add_edge("start", int(starts.node[row]), cost=starts.cost[row])
        far = nx.single_source_dijkstra_path_length(graph, "start", cutoff=limits[search], weight="cost")
        far.pop("start")
        mine = trees.search == search
        assert dict(zip(trees.node[mine].tolist(), trees.cost[mine].tolist(), strict=True)) == pytest.approx(far)
    for row in range(len(trees.node)):
        here, spent = row, 0.0
        while trees.start[here] < 0:
            arc = int(trees.arc[here])
            above = int(trees.parent[here])
            assert {int(net.tail[arc]), int(net.head[arc])} == {int(trees.node[here]), int(trees.node[above])}
            spent += cost[arc]
            here = above
        start = int(trees.start[here])
        assert (starts.search[start], starts.node[start]) == (trees.search[row], trees.node[here])
        assert spent + starts.cost[start] == pytest.approx(trees.cost[row])


def test_searches_together_or_apart_give_the_same_trees() -> None:
    rng = np.random.default_rng(3)
    places = [(float(x * 100), float(y * 100)) for x in range(8) for y in range(8)]  # a grid: ties everywhere
    arcs = [
        (a, b)
        for a in range(64)
        for b in range(a + 1, 64)
        if abs(places[a][0] - places[b][0]) + abs(places[a][1] - places[b][1]) == 100
    ]
    net = net_of(places, arcs)
    cost = np.full(len(arcs), 100.0)
    starts = starts_of(*((search, int(rng.integers(64)), 0.0) for search in range(5)))
    limits = np.full(5, 600.0)
    whole = grow_trees(net, cost, 1.0, starts, limits)
    single = [grow_trees(net, cost, 1.0, starts, np.where(np.arange(5) == search, 600.0, -1.0)) for search in range(5)]
    for joined in (join_trees(single), join_trees(single[::-1])):
        for name in ("search", "node", "cost", "parent", "arc", "start"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(joined, name))
    part = whole.of(np.array([False, True, False, True, False]))
    again = join_trees([single[1], single[3]])
    np.testing.assert_array_equal(part.parent, again.parent)
    assert isinstance(part, Trees)


# --- pieces


def test_depths_are_counted() -> None:
    assert depths(np.array([-1, 0, 1, 1, 3, -1])).tolist() == [0, 1, 2, 2, 3, 0]
    assert depths(np.zeros(0, dtype=np.int64)).tolist() == []


def laid(seed: int) -> tuple[Any, list[tuple[str, Pieces]]]:
    walks = random_walks(seed)
    home, school = np.repeat(np.arange(12), 3), np.tile(np.arange(3), 12)
    made = choose_routes(walks, home, school, walk_shortest(walks, home, school))
    return walks, [(name, made.pieces[name]) for name in TREES if name in made.pieces]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_pieces_pass_on_what_enters_them(seed: int) -> None:
    """Sums up and down the pieces, and who passes twice, one way at a time."""
    rng = np.random.default_rng(seed)
    _, trees = laid(seed)
    for _, pieces in trees:
        assert (pieces.parent < np.arange(len(pieces.parent))).all()
        weights = rng.uniform(0, 3, (36, 2))
        values = rng.choice([0.0, 1.0, 2.0, 5.0], len(pieces.parent))
        passing = np.zeros((len(pieces.parent), 2))
        best, where = pieces.greatest(values)
        sums = pieces.sums(values[:, None])[:, 0]
        seen: Counter[tuple[int, int]] = Counter()
        again = pieces.passed_again(pieces.edge)
        for pair in np.flatnonzero(pieces.leaf >= 0).tolist():
            way = way_of(pieces, int(pieces.leaf[pair]))
            passing[way] += weights[pair]
            assert sums[way[0]] == pytest.approx(values[way].sum())
            assert best[way[0]] == values[way].max()
            assert where[way[0]] == way[np.flatnonzero(values[way] == values[way].max())[-1]]
            assert pieces.gate[way[-1]] >= 0
            assert pieces.way_in()[way[0]] == pieces.gate[way[-1]]
            edges = pieces.edge[way]
            counted = edges[(edges >= 0) & ~again[way]]
            assert sorted(counted.tolist()) == sorted(set(edges[edges >= 0].tolist()))
            seen.update((pair, int(edge)) for edge in counted)
        assert max(seen.values(), default=1) == 1
        np.testing.assert_allclose(pieces.passing(weights), passing)
        gates = pieces.gate >= 0
        np.testing.assert_allclose(pieces.passing(weights)[gates].sum(axis=0), weights[pieces.leaf >= 0].sum(axis=0))
