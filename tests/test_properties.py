"""Properties that must hold on any network: a way more never makes a walk longer, and the order of rows changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import networkx as nx
import numpy as np
import pandas as pd
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xiqing_space.coverage.access import AccessInputs, measure_access
from xiqing_space.crs import project, to_degrees
from xiqing_space.network import build_graph, nearest_nodes, reach_each
from xiqing_space.network.links import Barriers, Segments, link_to_graph, starting_points
from xiqing_space.network.reach import Seeds
from xiqing_space.tables import finish

EPSG, ORIGIN, LIMIT = 4548, np.array([500_000.0, 4_320_000.0]), 3000.0
NO_BARRIERS = Barriers(Segments(np.zeros(0, dtype=object)), Segments(np.zeros(0, dtype=object)))


@dataclass(frozen=True)
class World:
    """Node places in metres, edges as pairs of nodes, homes, sites with any number of gates."""

    nodes: tuple[tuple[int, int], ...]
    edges: tuple[tuple[int, int], ...]
    homes: tuple[tuple[int, int], ...]
    sites: tuple[tuple[tuple[int, int], ...], ...]


places = st.tuples(st.integers(0, 600), st.integers(0, 600))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    nodes = draw(st.lists(places, min_size=3, max_size=14, unique=True))
    pairs = st.tuples(st.integers(0, len(nodes) - 1), st.integers(0, len(nodes) - 1)).filter(lambda p: p[0] != p[1])
    edges = draw(st.lists(pairs, min_size=2, max_size=24, unique=True))
    homes = draw(st.lists(places, min_size=1, max_size=5, unique=True))
    sites = draw(st.lists(st.lists(places, min_size=1, max_size=3, unique=True).map(tuple), min_size=1, max_size=3))
    return World(tuple(nodes), tuple(edges), tuple(homes), tuple(sites))


def degrees(points: list[tuple[int, int]]) -> np.ndarray:
    return to_degrees(shapely.points(np.asarray(points, dtype=float) + ORIGIN), EPSG)


def streets_of(world: World) -> pd.DataFrame:
    xy = np.asarray(world.nodes, dtype=float) + ORIGIN
    rows = []
    for index, (a, b) in enumerate(world.edges):
        line = to_degrees(shapely.LineString([xy[a], xy[b]]), EPSG)
        metric = project(shapely.get_coordinates(line), 4326, EPSG)
        length = round(float(np.hypot(*(metric[1] - metric[0]))), 3)
        rows.append((f"e{index:02d}", f"n{a:02d}", f"n{b:02d}", length, True, True, False, False, line))
    columns = ["edge_id", "u", "v", "length_m", "walk", "pram", "bridge", "tunnel", "geometry"]
    return pd.DataFrame(rows, columns=columns)


def measure(
    world: World, order: np.random.Generator | None = None, like: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Links and access of a world; with `order`, every table's rows are shuffled first; only where the links are `like` others."""

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame if order is None else frame.iloc[order.permutation(len(frame))].reset_index(drop=True)

    streets = mixed(streets_of(world))
    demand = mixed(
        pd.DataFrame(
            {
                "demand_id": [f"h{i}" for i in range(len(world.homes))],
                "compound_id": None,
                "placed": True,
                "geometry": degrees(list(world.homes)),
            }
        )
    )
    facilities = mixed(
        pd.DataFrame(
            {
                "facility_id": [f"f{i}" for i in range(len(world.sites))],
                "site_id": [f"f{i}" for i in range(len(world.sites))],
                "kind": "park",
                "status": "operating",
                "serves": "everyone",
                "geometry": degrees([gates[0] for gates in world.sites]),
            }
        )
    )
    gates = mixed(
        pd.DataFrame(
            [
                (f"g{place}", f"f{site}", "site", "mapped", None, degrees([place])[0])
                for site, mine in enumerate(world.sites)
                for place in mine
            ],
            columns=["gate_id", "owner_id", "owner_type", "resolved_by", "through", "geometry"],
        )
    )
    graph = build_graph(streets, "walk", EPSG)
    starts = starting_points(demand, facilities, gates, EPSG)
    links = link_to_graph(starts, streets, graph, "walk", NO_BARRIERS, max_leg_m=100, island_min_m=0, metric_epsg=EPSG)
    links = finish("access_links", links)
    if like is not None:
        same = ["owner_id", "gate_id", "edge_id", "offset_m", "leg_m"]
        assume(links[same].equals(like[same]))
    inputs = AccessInputs(demand, facilities, gates, links, EPSG)
    return links, finish("access", measure_access(inputs, {"walk": inputs.of_profile(graph, "walk")}, ("park",), LIMIT))


@settings(max_examples=60, deadline=None)
@given(worlds(), st.lists(st.tuples(places, places), max_size=4), st.data())
def test_links_taken_over_from_a_wider_profile_are_those_that_a_search_of_its_own_finds(
    world: World, lines: list[tuple[tuple[int, int], tuple[int, int]]], data: st.DataObject
) -> None:
    streets = streets_of(world)
    count = len(streets)
    streets["pram"] = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    drawn = np.array(
        [shapely.LineString(np.asarray(one, dtype=float) + ORIGIN) for one in lines if one[0] != one[1]], dtype=object
    )
    barriers = Barriers(Segments(drawn[:1]), Segments(drawn[1:]))
    points = shapely.points(np.asarray(world.homes, dtype=float) + ORIGIN)
    names = [f"h{at}" for at in range(len(points))]
    starts = pd.DataFrame({"owner_type": "demand", "owner_id": names, "gate_id": names, "resolved_by": "point",
                           "point": points, "inner_m": 0.0})  # fmt: skip
    found = {
        profile: partial(link_to_graph, starts, streets, build_graph(streets, profile, EPSG), profile, barriers, max_leg_m=100,
                         island_min_m=200, metric_epsg=EPSG)
        for profile in ("walk", "pram")
    }  # fmt: skip
    alone, after = found["pram"](), found["pram"](wider=found["walk"]())
    pd.testing.assert_frame_equal(after, alone)


def never_longer(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    both = before.merge(after, on=["demand_id", "kind", "profile"], suffixes=("", "_after"))
    was, now = both["distance_m"].to_numpy(), both["distance_m_after"].to_numpy()
    return bool((np.isnan(was) | (now <= was + 0.011)).all())


@settings(max_examples=40, deadline=None)
@given(worlds())
def test_walk_is_never_shorter_than_the_straight_line(world: World) -> None:
    _, access = measure(world)
    reached = access[access["distance_m"].notna()]
    assert (reached["distance_m"] + 0.02 >= reached["straight_m"]).all()


@settings(max_examples=40, deadline=None)
@given(worlds(), places)
def test_another_facility_never_lengthens(world: World, place: tuple[int, int]) -> None:
    _, before = measure(world)
    _, after = measure(replace(world, sites=(*world.sites, (place,))))
    assert never_longer(before, after)


@settings(max_examples=40, deadline=None)
@given(worlds(), places)
def test_another_gate_never_lengthens(world: World, place: tuple[int, int]) -> None:
    assume(place not in world.sites[0])
    _, before = measure(world)
    _, after = measure(replace(world, sites=((*world.sites[0], place), *world.sites[1:])))
    assert never_longer(before, after)


@settings(max_examples=60, deadline=None)
@given(worlds(), st.data())
def test_another_street_that_no_link_moves_to_never_lengthens(world: World, data: st.DataObject) -> None:
    ends = st.integers(0, len(world.nodes) - 1)
    a, b = data.draw(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]))
    links, before = measure(world)
    _, after = measure(replace(world, edges=(*world.edges, (a, b))), like=links)
    assert never_longer(before, after)


@settings(max_examples=25, deadline=None)
@given(worlds(), st.integers(0, 2**32 - 1))
def test_row_order_changes_nothing(world: World, seed: int) -> None:
    links, access = measure(world)
    mixed_links, mixed_access = measure(world, np.random.default_rng(seed))
    pd.testing.assert_frame_equal(links, mixed_links)
    pd.testing.assert_frame_equal(access, mixed_access)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.integers(50, 1500))
def test_separate_searches_equal_networkx(world: World, limit: int) -> None:
    graph = build_graph(streets_of(world), "walk", EPSG)
    plain = nx.Graph()
    for u, v, length in zip(graph.u.tolist(), graph.v.tolist(), graph.length_m.tolist(), strict=True):
        if not plain.has_edge(u, v) or plain[u][v]["weight"] > length:
            plain.add_edge(u, v, weight=length)
    sources = np.arange(graph.n_nodes)
    search, node, distance = reach_each(graph, sources, float(limit))
    got = {(s, n): d for s, n, d in zip(search.tolist(), node.tolist(), distance.tolist(), strict=True)}
    want = {
        (source, target): length
        for source in sources.tolist()
        for target, length in nx.single_source_dijkstra_path_length(plain, source, cutoff=limit).items()
    }
    assert got.keys() == want.keys()
    assert all(abs(got[pair] - want[pair]) < 1e-6 for pair in want)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.data())
def test_nearest_seed_is_the_one_that_is_nearest(world: World, data: st.DataObject) -> None:
    graph = build_graph(streets_of(world), "walk", EPSG)
    count = data.draw(st.integers(1, 4))
    edge = np.asarray(data.draw(st.lists(st.integers(0, len(graph.edge_id) - 1), min_size=count, max_size=count)))
    share = np.asarray(data.draw(st.lists(st.floats(0, 1), min_size=count, max_size=count)))
    leg = np.asarray(data.draw(st.lists(st.floats(0, 100), min_size=count, max_size=count)))
    seeds = Seeds(edge, share * graph.length_m[edge], leg)
    together, which = nearest_nodes(graph, seeds, 1500.0)
    alone = np.stack([nearest_nodes(graph, seeds.take(np.array([row])), 1500.0)[0] for row in range(count)])
    np.testing.assert_allclose(together, alone.min(axis=0))
    reached = np.flatnonzero(which >= 0)
    np.testing.assert_allclose(alone[which[reached], reached], together[reached])
    assert np.isinf(together[which < 0]).all()
