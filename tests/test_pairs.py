"""Pairs of sites and homes within a limit: drawn graphs with their sums, and every distance again with networkx and loops."""

from __future__ import annotations

import math
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from xiqing_space.coverage.access import AccessInputs, open_to_everyone
from xiqing_space.network import pairs as module
from xiqing_space.network.graph import WalkGraph, assemble, build_graph
from xiqing_space.network.pairs import Owned, Pairs, PairSearch
from xiqing_space.network.reach import Seeds, nearest_along

Edge = tuple[int, int, float]
Way = tuple[int, int, float, float]  # owner, edge, offset, leg


def graph_of(places: list[tuple[float, float]], edges: list[Edge]) -> WalkGraph:
    ends = np.asarray([edge[:2] for edge in edges], dtype=np.int32).reshape(-1, 2)
    return assemble(
        np.asarray([f"n{row:02d}" for row in range(len(places))], dtype=object), np.asarray(places, dtype=float),
        np.asarray([f"e{row:02d}" for row in range(len(edges))], dtype=object), ends[:, 0], ends[:, 1],
        np.asarray([edge[2] for edge in edges], dtype=float),
    )  # fmt: skip


def owned(ways: list[Way], count: int) -> Owned:
    rows = np.asarray(ways, dtype=float).reshape(-1, 4)
    return Owned(Seeds(rows[:, 1].astype(np.int64), rows[:, 2], rows[:, 3]), rows[:, 0].astype(np.int64), count)


def walk_pairs(graph: WalkGraph, sites: Owned, homes: Owned, limit: float, reached: tuple[float, ...] = ()) -> Pairs:
    return PairSearch(graph, homes).pairs(sites, limit, reached)


def plain_pairs(graph: WalkGraph, sites: Owned, homes: Owned, limit: float) -> dict[tuple[int, int], float]:
    """The same with networkx, one search per site, and loops."""
    net = nx.Graph()
    net.add_nodes_from(range(graph.n_nodes))
    for u, v, length in zip(graph.u.tolist(), graph.v.tolist(), graph.length_m.tolist(), strict=True):
        if u != v and length < net.get_edge_data(u, v, {"weight": math.inf})["weight"]:
            net.add_edge(u, v, weight=length)
    found: dict[tuple[int, int], float] = {}
    for site in range(sites.count):
        here, mine = net.copy(), np.flatnonzero(sites.owner == site)
        here.add_node("goal")
        for row in mine:
            edge, offset, leg = sites.seeds.edge[row], sites.seeds.offset_m[row], sites.seeds.leg_m[row]
            length = graph.length_m[edge]
            for node, cost in ((int(graph.u[edge]), offset + leg), (int(graph.v[edge]), length - offset + leg)):
                if math.isfinite(length) and cost < here.get_edge_data("goal", node, {"weight": math.inf})["weight"]:
                    here.add_edge("goal", node, weight=cost)
        far = nx.single_source_dijkstra_path_length(here, "goal", weight="weight")
        for row, home in enumerate(homes.owner.tolist()):
            edge, offset, leg = homes.seeds.edge[row], homes.seeds.offset_m[row], homes.seeds.leg_m[row]
            length = graph.length_m[edge]
            if not math.isfinite(length):
                continue
            best = min(
                far.get(int(graph.u[edge]), math.inf) + offset, far.get(int(graph.v[edge]), math.inf) + length - offset
            )
            for other in mine:
                if sites.seeds.edge[other] == edge:
                    best = min(best, abs(sites.seeds.offset_m[other] - offset) + sites.seeds.leg_m[other])
            best += leg
            if best <= limit + 0.004:
                found[site, home] = min(best, found.get((site, home), math.inf))
    return found


def plain_reach(graph: WalkGraph, ways: list[tuple[int, float, float]], limit: float) -> float:
    """Metres of street within the limit of one site: Bellman's relaxation and a union of intervals, edge by edge."""
    far = [math.inf] * graph.n_nodes
    edges = list(zip(graph.u.tolist(), graph.v.tolist(), graph.length_m.tolist(), strict=True))
    for edge, offset, leg in ways:
        u, v, length = edges[edge]
        if math.isfinite(length):
            far[u] = min(far[u], offset + leg)
            far[v] = min(far[v], length - offset + leg)  # a loop has one end: the nearer way counts
    for _ in range(graph.n_nodes):
        for u, v, length in edges:
            far[u], far[v] = min(far[u], far[v] + length), min(far[v], far[u] + length)
    total = 0.0
    for row, (u, v, length) in enumerate(edges):
        if not math.isfinite(length):
            continue
        spans = [(0.0, limit - far[u]), (length - (limit - far[v]), length)]
        spans += [(offset - (limit - leg), offset + (limit - leg)) for edge, offset, leg in ways if edge == row]
        at = 0.0
        for begin, end in sorted((max(begin, 0.0), min(end, length)) for begin, end in spans if end > begin):
            total += max(0.0, end - max(begin, at))
            at = max(at, end)
    return total


# ---- a street by hand: 0 --100-- 1 --200-- 2, and a lane of 500 from 0 to 2

STREET = graph_of([(0, 0), (100, 0), (300, 0)], [(0, 1, 100.0), (1, 2, 200.0), (0, 2, 500.0)])
# site 0: gates 20 m along edge 0 (leg 5) and 150 m along edge 1 (leg 10); site 1: 100 m along the lane, leg 0
SITES = owned([(0, 0, 20.0, 5.0), (0, 1, 150.0, 10.0), (1, 2, 100.0, 0.0)], 2)
# home 0: 60 m along edge 0, leg 3; home 1: 40 m along edge 1 with leg 7, or 400 m along the lane with leg 1; home 2: no way out
HOMES = owned([(0, 0, 60.0, 3.0), (1, 1, 40.0, 7.0), (1, 2, 400.0, 1.0)], 3)


def test_pairs_by_hand() -> None:
    found = walk_pairs(STREET, SITES, HOMES, 500.0)
    got = dict(zip(zip(found.site.tolist(), found.home.tolist(), strict=True), found.distance_m.tolist(), strict=True))
    # 0-0 along the edge: 40 + 5 + 3; 0-1 over node 1: 110 + 10 + 7 = 127, over the first gate 5 + 80 + 40 + 7 = 132;
    # 1-0 over node 0: 100 + 60 + 3; 1-1 over nodes 0 and 1: 100 + 100 + 40 + 7 = 247, along the lane 300 + 1 = 301
    assert got == {(0, 0): 48.0, (0, 1): 127.0, (1, 0): 163.0, (1, 1): 247.0}


@pytest.mark.parametrize(("limit", "pairs"), [(47.99, 0), (48.0, 1), (126.995, 1), (127.0, 2), (163.0, 3), (247.0, 4)])
def test_the_limit_is_included_as_written(limit: float, pairs: int) -> None:
    assert len(walk_pairs(STREET, SITES, HOMES, limit).site) == pairs


def test_a_hair_beyond_the_limit_rounds_to_it() -> None:
    homes = owned([(0, 0, 60.004, 3.0), (1, 0, 60.006, 3.0)], 2)
    found = walk_pairs(STREET, SITES, homes, 48.0)
    assert (found.home.tolist(), found.distance_m.tolist()) == ([0], [48.0])


def test_reached_street_by_hand() -> None:
    # site 1 within 150: 100 back to node 0 and 50 on along edge 0; 150 on along the lane
    # site 0 within 60: first gate 55 either way, 20 back to node 0 and 35 on along the lane, 55 on along edge 0;
    #                   second gate 50 either way, which is to node 2 (50) and 50 back; nothing left at node 2
    reached = walk_pairs(STREET, SITES, HOMES, 150.0, (60.0, 150.0)).reached_m
    assert reached[0, 0] == pytest.approx(20 + 35 + 55 + 50 + 50)
    assert reached[1, 1] == pytest.approx(100 + 50 + 150)
    # site 0 within 150: edge 0 whole (100) and edge 1 whole; lane: 125 from node 0, 90 from node 2
    assert reached[0, 1] == pytest.approx(100 + 200 + 125 + 90)


def test_a_closed_edge_lets_nobody_on() -> None:
    shut = STREET.without_edges({"e00"})
    found = walk_pairs(shut, SITES, HOMES, 500.0, (500.0,))
    got = dict(zip(zip(found.site.tolist(), found.home.tolist(), strict=True), found.distance_m.tolist(), strict=True))
    assert got == {(0, 1): 127.0, (1, 1): 301.0}  # home 0 lies on the closed edge


def test_nothing_in_nothing_out() -> None:
    for sites, homes in ((owned([], 2), HOMES), (SITES, owned([], 3)), (owned([], 0), owned([], 0))):
        found = walk_pairs(STREET, sites, homes, 500.0, (100.0,))
        assert len(found.site) == 0
        assert found.reached_m.shape == (sites.count, 1)
    assert walk_pairs(STREET, SITES, HOMES, 500.0).reached_m.shape == (2, 0)


# ---- any graph


@st.composite
def worlds(draw: st.DrawFn) -> tuple[WalkGraph, Owned, Owned]:
    places = draw(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=2, max_size=12, unique=True))
    node = st.integers(0, len(places) - 1)
    drawn = draw(st.lists(st.tuples(node, node, st.floats(1.0, 1.6)), min_size=1, max_size=22))
    edges = [(u, v, round(max(math.dist(places[u], places[v]) * more, 1.0), 3)) for u, v, more in drawn]
    closed = draw(st.sets(st.integers(0, len(edges) - 1), max_size=2))

    def side(most: int) -> Owned:
        count = draw(st.integers(0, most))
        ways = []
        if count:
            way = st.tuples(
                st.integers(0, count - 1), st.integers(0, len(edges) - 1), st.floats(0, 1), st.integers(0, 90000)
            )
            ways = [
                (owner, edge, round(share * edges[edge][2], 3), leg / 1000)
                for owner, edge, share, leg in draw(st.lists(way, max_size=9))
            ]
        return owned(ways, count)

    graph = graph_of([(float(x), float(y)) for x, y in places], edges)
    return graph.without_edges({f"e{row:02d}" for row in closed}), side(4), side(6)


@settings(max_examples=80, deadline=None)
@given(worlds(), st.integers(20, 1500))
def test_pairs_equal_networkx(world: tuple[WalkGraph, Owned, Owned], limit: int) -> None:
    graph, sites, homes = world
    found = walk_pairs(graph, sites, homes, float(limit))
    got = dict(zip(zip(found.site.tolist(), found.home.tolist(), strict=True), found.distance_m.tolist(), strict=True))
    want = plain_pairs(graph, sites, homes, limit)
    assert all(abs(got[pair] - far) <= 0.00501 for pair, far in want.items())
    assert all(abs(limit - got[pair]) <= 0.0101 for pair in got.keys() - want.keys())
    assert list(got) == sorted(got)
    assert (found.distance_m <= limit).all()


@settings(max_examples=80, deadline=None)
@given(worlds(), st.integers(1, 1500), st.integers(1, 1500))
def test_reached_street_equals_plain_loops_and_grows(
    world: tuple[WalkGraph, Owned, Owned], one: int, other: int
) -> None:
    graph, sites, homes = world
    short, long = float(min(one, other)), float(max(one, other))
    reached = walk_pairs(graph, sites, homes, long, (short, long)).reached_m
    for site in range(sites.count):
        mine = [
            (int(sites.seeds.edge[row]), float(sites.seeds.offset_m[row]), float(sites.seeds.leg_m[row]))
            for row in np.flatnonzero(sites.owner == site)
        ]
        usable = [way for way in mine if math.isfinite(graph.length_m[way[0]])]
        assert reached[site, 0] == pytest.approx(plain_reach(graph, usable, short), abs=1e-6)
        assert reached[site, 1] == pytest.approx(plain_reach(graph, usable, long), abs=1e-6)
    assert (reached[:, 0] <= reached[:, 1] + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(20, 1500), st.integers(0, 2**32 - 1))
def test_the_least_distance_is_that_of_access_to_the_last_digit_and_order_changes_nothing(
    world: tuple[WalkGraph, Owned, Owned], limit: int, seed: int
) -> None:
    graph, sites, homes = world
    found = walk_pairs(graph, sites, homes, float(limit), (float(limit),))
    least = np.full(homes.count, np.inf)
    np.minimum.at(least, found.home, found.distance_m)
    every, want = np.flatnonzero(np.isfinite(graph.length_m[homes.seeds.edge])), np.full(homes.count, np.inf)
    along, _ = nearest_along(graph, sites.sorted(graph).seeds, homes.seeds.take(every), 5000.0)
    np.minimum.at(want, homes.owner[every], along)
    want[want > limit] = np.inf
    np.testing.assert_array_equal(least, want)
    mix = np.random.default_rng(seed)
    mixed = [Owned(one.seeds.take(order), one.owner[order], one.count) for one in (sites, homes)
             for order in [mix.permutation(len(one.owner))]]  # fmt: skip
    again = walk_pairs(graph, mixed[0], mixed[1], float(limit), (float(limit),))
    for name in ("site", "home", "distance_m", "reached_m"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_small_pieces_find_the_same(world: tuple[WalkGraph, Owned, Owned]) -> None:
    graph, sites, homes = world
    whole = walk_pairs(graph, sites, homes, 700.0, (300.0,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK_NODES", 3)
        patch.setattr(module, "_BLOCK_LINKS", 2)
        small = walk_pairs(graph, sites, homes, 700.0, (300.0,))
    for name in ("site", "home", "distance_m"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(small, name))
    np.testing.assert_allclose(whole.reached_m, small.reached_m, rtol=0, atol=1e-9)  # sums in another order


# ---- Helsinki: parks, with several gates each


def test_helsinki_pairs_agree_with_networkx(helsinki_run: Path) -> None:
    tables = {
        name: pd.read_parquet(helsinki_run / "data/processed" / f"{name}.parquet")
        for name in ("area", "streets", "demand", "facilities", "gates", "access_links", "access")
    }
    streets = tables["streets"]
    streets = streets.assign(geometry=shapely.from_wkb(streets["geometry"].to_numpy()))
    epsg = int(tables["area"]["metric_epsg"].iloc[0])
    graph = build_graph(streets, "walk", epsg)
    inputs = AccessInputs(tables["demand"], tables["facilities"], tables["gates"], tables["access_links"], epsg)
    links = inputs.of_profile(graph, "walk")
    homes = Owned(links.homes, links.home_row, len(inputs.demand))
    mine = inputs.facilities[open_to_everyone(inputs.facilities) & (inputs.facilities["kind"] == "park")]
    row_of = pd.Index(sorted(set(mine["site_id"]))).get_indexer(pd.Index(links.site_id))
    chosen = np.flatnonzero(row_of >= 0)
    sites = Owned(links.sites.take(chosen), row_of[chosen].astype(np.int64), int(row_of.max()) + 1)
    found = walk_pairs(graph, sites, homes, 400.0)
    got = dict(zip(zip(found.site.tolist(), found.home.tolist(), strict=True), found.distance_m.tolist(), strict=True))
    want = plain_pairs(graph, sites, homes, 400.0)
    assert len(got) > 200
    assert max(abs(got[pair] - far) for pair, far in want.items() if far <= 399.99) <= 0.01
    assert all(got[pair] > 399.98 for pair in got.keys() - want.keys())
    # and the least of them is what `access` says
    access = tables["access"].query("kind == 'park' and profile == 'walk'").set_index("demand_id")["distance_m"]
    least = pd.Series(found.distance_m).groupby(found.home).min()
    near = access[access <= 400.0]
    assert least.to_dict() == dict(
        zip(pd.Index(inputs.demand["demand_id"]).get_indexer(near.index), near.to_numpy(), strict=True)
    )
