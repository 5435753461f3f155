"""Catchments: by hand, against networkx's ego graphs and one plain union, and what must hold on any network."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_properties import EPSG, ORIGIN, World, streets_of, worlds

from xiqing_space.catalog import load_catalogue
from xiqing_space.coverage.catchments import CatchmentInputs, catchment_limits, facility_catchment, measure_catchments
from xiqing_space.coverage.reached_land import ReachedLand, to_written
from xiqing_space.coverage.stretches import Lines, Stretches, Strips, Water, reached_stretches
from xiqing_space.crs import project_geometry, to_degrees
from xiqing_space.network import build_graph, nearest_nodes
from xiqing_space.network.graph import WalkGraph, assemble
from xiqing_space.network.reach import Seeds
from xiqing_space.tables import finish

HERE = Path(__file__).parent
NO_WATER = np.zeros(0, dtype=object)
OCTANT = 625 * np.sqrt(2) / 2  # a quarter of the octagon that rounds the end of a strip
LIMITS = (60.0, 150.0, 151.0, 400.0, 900.0)


def inputs_of(out: Path) -> CatchmentInputs:
    folder = out / "data/processed"

    def get(name: str) -> pd.DataFrame:
        spatial = name not in ("access", "land_access")
        return (gpd.read_parquet if spatial else pd.read_parquet)(folder / f"{name}.parquet")

    names = ("streets", "barriers", "facilities", "access_links", "demand", "access", "land_cells", "land_access")
    return CatchmentInputs(*(get(name) for name in names), int(get("area")["metric_epsg"].iloc[0]))


# ---- by hand


def test_the_town_by_hand(town_run: Path) -> None:
    hand = pd.read_csv(HERE / "town/expected_catchments.csv", na_values="?").set_index(["kind", "limit_m", "profile"])
    found = finish("catchments", measure_catchments(inputs_of(town_run), load_catalogue())).set_index(
        ["kind", "limit_m", "profile"]
    )
    # nobody mapped a junior school, a hospital, a health station or a sports ground: no rows, not empty ones
    assert sorted(hand.index) == sorted(found.index)
    for column, tolerance in (("area_ha", 0.003), ("children", 0.001), ("reached_m", 1.0)):
        known = hand[column].dropna()
        assert len(known) >= 2
        np.testing.assert_allclose(found[column].reindex(known.index), known, atol=tolerance, rtol=0, err_msg=column)
    assert found["residential_ha"].isna().all()  # no land use in the town
    assert set(found["weight_kind"]) == {"relative"}
    assert found.geometry.is_valid.all()
    metric = found.to_crs(4548)
    np.testing.assert_allclose(metric.area / 10_000, found["area_ha"], atol=1e-4)


def test_no_catchment_of_the_town_lies_across_the_canal_without_a_bridge(town_run: Path) -> None:
    found = measure_catchments(inputs_of(town_run), load_catalogue()).set_index(["kind", "limit_m", "profile"])
    shapes = project_geometry(found["geometry"].to_numpy(dtype=object), 4326, 4548)
    east = shapely.box(501_300, 4_326_000, 503_000, 4_329_000)
    over = pd.Series(shapely.intersection(shapes, east), index=found.index)
    # 31-36 reaches 1200 + 195 of the path over the canal at most: (1395, 500)
    assert shapely.bounds(over["park", 500.0, "walk"])[0] == pytest.approx(501_300, abs=0.1)
    assert over["park", 300.0, "walk"].is_empty
    assert over["kindergarten", 500.0, "walk"].is_empty


def test_children_and_land_are_counted_by_distance() -> None:
    demand = pd.DataFrame(
        {
            "demand_id": ["a", "b", "c", "d"], "inside": [True, True, True, False], "weight_kind": "persons",
            "pop_0_2": [1.0, 2.0, 4.0, 8.0], "pop_3_5": [10.0, 20.0, 40.0, 80.0], "pop_6_11": [100.0, 200.0, 400.0, 800.0],
            "pop_12_14": 0.0, "pop_15_17": 0.0,
        }
    )  # fmt: skip
    access = pd.DataFrame({"demand_id": [*"abcd"] * 2, "kind": "park", "profile": ["walk"] * 4 + ["pram"] * 4,
                           "distance_m": [300.0, 300.01, np.nan, 10.0, 300.0, 500.0, np.nan, 10.0]})  # fmt: skip
    land = pd.DataFrame(
        {"cell_id": ["x", "y", "z"], "kind": "park", "profile": "walk", "distance_m": [300.0, 300.01, np.nan]}
    )
    streets = streets_of(World(((0, 0), (400, 0)), ((0, 1),), (), ()))
    links = pd.DataFrame({"owner_type": "site", "owner_id": ["s"] * 2, "profile": ["walk", "pram"], "linked": True,
                          "edge_id": "e00", "offset_m": 0.0, "leg_m": 0.0})  # fmt: skip
    facilities = pd.DataFrame(
        {"facility_id": ["f"], "site_id": ["s"], "kind": ["park"], "status": "operating", "serves": "everyone"}
    )
    barriers = pd.DataFrame({"barrier": [], "bridge": [], "geometry": []})
    cells = pd.DataFrame({"cell_id": ["x", "y", "z"], "area_ha": [0.1, 0.2, 0.4]})
    inputs = CatchmentInputs(streets, barriers, facilities, links, demand, access, cells, land, EPSG)
    found = finish("catchments", measure_catchments(inputs, load_catalogue())).set_index(["limit_m", "profile"])
    # preschool and primary walk, infants are in prams; d lives outside; 300.01 is beyond 300
    assert found["children"].to_dict() == {
        (240.0, "walk"): 0.0, (300.0, "walk"): 110.0, (300.0, "pram"): 1.0, (500.0, "walk"): 330.0, (500.0, "pram"): 3.0,
    }  # fmt: skip
    assert found["residential_ha"].to_dict() == {
        (240.0, "walk"): 0.0, (300.0, "walk"): 0.1, (300.0, "pram"): 0.0, (500.0, "walk"): pytest.approx(0.3), (500.0, "pram"): 0.0,
    }  # fmt: skip
    assert found["reached_m"].to_dict() == {key: min(key[0], 400.0) for key in found.index}
    # one strip: 300 m long, two half octagons
    assert found["area_ha"][300.0, "walk"] == pytest.approx((300 * 50 + 4 * OCTANT) / 10_000, abs=1e-4)


def test_limits_of_the_catalogue() -> None:
    limits = catchment_limits(load_catalogue())
    assert limits["kindergarten", "walk"] == (300.0, 500.0)
    assert limits["park", "walk"] == (240.0, 300.0, 500.0)  # 5 minutes at 0.8 m/s, and at 1.0 m/s
    assert limits["park", "pram"] == (300.0, 500.0)
    assert limits["library", "walk"] == (900.0, 1080.0)
    assert ("library", "pram") not in limits
    assert limits["hospital", "pram"] == (2000.0,)  # nobody's own kind: every band's


def path_graph(*lengths: float) -> WalkGraph:
    count = len(lengths)
    nodes = np.array([f"n{row}" for row in range(count + 1)], dtype=object)
    xy = np.column_stack([np.concatenate([[0.0], np.cumsum(lengths)]), np.zeros(count + 1)])
    edges = np.array([f"e{row}" for row in range(count)], dtype=object)
    ends = np.arange(count, dtype=np.int32)
    return assemble(nodes, xy, edges, ends, ends + 1, np.array(lengths))


def stretches_of(graph: WalkGraph, seeds: Seeds, limit: float) -> list[tuple[int, float, float]]:
    found = reached_stretches(graph, nearest_nodes(graph, seeds, limit)[0], seeds, limit)
    return list(zip(found.edge.tolist(), found.begin_m.tolist(), found.end_m.tolist(), strict=True))


def test_stretches_are_cut_at_the_limit_at_both_ends() -> None:
    graph = path_graph(100.0, 200.0, 100.0)
    middle = Seeds(np.array([1]), np.array([50.0]), np.array([10.0]))
    assert stretches_of(graph, middle, 10.0) == []
    assert stretches_of(graph, middle, 40.0) == [(1, 20.0, 80.0)]
    assert stretches_of(graph, middle, 60.0) == [(1, 0.0, 100.0)]
    assert stretches_of(graph, middle, 90.0) == [(0, 70.0, 100.0), (1, 0.0, 130.0)]
    assert stretches_of(graph, middle, 1000.0) == [(0, 0.0, 100.0), (1, 0.0, 200.0), (2, 0.0, 100.0)]


def test_two_ends_of_an_edge_that_do_not_meet_and_that_do() -> None:
    graph = path_graph(100.0, 200.0, 100.0)
    outer = Seeds(np.array([0, 2]), np.array([100.0, 0.0]), np.array([0.0, 20.0]))
    assert stretches_of(graph, outer, 60.0) == [(0, 40.0, 100.0), (1, 0.0, 60.0), (1, 160.0, 200.0), (2, 0.0, 40.0)]
    assert stretches_of(graph, outer, 110.0)[1] == (1, 0.0, 200.0)


def test_nobody_reaches_a_closed_edge() -> None:
    graph = path_graph(100.0, 200.0).without_edges({"e1"})
    on_it = Seeds(np.array([0, 1]), np.array([90.0, 50.0]), np.zeros(2))
    assert stretches_of(graph, on_it, 60.0) == [(0, 30.0, 100.0)]


# ---- on any network


@st.composite
def seeded(draw: st.DrawFn) -> tuple[World, Seeds]:
    world = draw(worlds())
    count = draw(st.integers(1, 4))
    edge = np.asarray(draw(st.lists(st.integers(0, len(world.edges) - 1), min_size=count, max_size=count)))
    lengths = streets_of(world)["length_m"].to_numpy()[edge]
    share = np.asarray(
        draw(st.lists(st.sampled_from((0.0, 0.25, 0.5, 1.0)) | st.floats(0, 1), min_size=count, max_size=count))
    )
    leg = np.asarray(draw(st.lists(st.floats(0, 120), min_size=count, max_size=count)))
    return world, Seeds(edge.astype(np.int64), share * lengths, leg)


def levels(world: World, seeds: Seeds, limits: tuple[float, ...] = LIMITS) -> tuple[WalkGraph, list[Stretches]]:
    graph = build_graph(streets_of(world), "walk", EPSG)
    to_node, _ = nearest_nodes(graph, seeds, max(limits))
    return graph, [reached_stretches(graph, to_node, seeds, limit) for limit in limits]


@settings(max_examples=60, deadline=None)
@given(seeded())
def test_stretches_nest_exactly(drawn: tuple[World, Seeds]) -> None:
    _, found = levels(*drawn)
    for inner, outer in pairwise(found):
        for edge, begin, end in zip(inner.edge, inner.begin_m, inner.end_m, strict=True):
            same = outer.edge == edge
            assert (same & (outer.begin_m <= begin) & (outer.end_m >= end)).sum() == 1


@settings(max_examples=60, deadline=None)
@given(seeded())
def test_stretches_are_those_of_networkx_ego_graphs(drawn: tuple[World, Seeds]) -> None:
    """Every edge cut at its seeds, an ego graph round one node that all seeds hang on, lengths added up in a loop."""
    world, seeds = drawn
    graph, found = levels(world, seeds)
    plain, pieces = nx.MultiGraph(), []
    for edge, (u, v, length) in enumerate(
        zip(graph.u.tolist(), graph.v.tolist(), graph.length_m.tolist(), strict=True)
    ):
        stops = [(0.0, u), (length, v)]
        for row in np.flatnonzero(seeds.edge == edge).tolist():
            stops.append((float(seeds.offset_m[row]), f"seed{row}"))
        stops.sort(key=lambda stop: (stop[0], isinstance(stop[1], str) == (stop[1] != u), str(stop[1])))
        pieces += [(one, other, b - a) for (a, one), (b, other) in pairwise(stops)]
    plain.add_weighted_edges_from(pieces)
    plain.add_weighted_edges_from(("goal", f"seed{row}", float(leg)) for row, leg in enumerate(seeds.leg_m))
    for limit, stretches in zip(LIMITS, found, strict=True):
        ego = nx.ego_graph(plain, "goal", radius=limit, distance="weight")
        far = nx.single_source_dijkstra_path_length(ego, "goal", weight="weight")
        want = sum(
            min(length, sum(max(limit - far.get(end, np.inf), 0.0) for end in (one, other)))
            for one, other, length in pieces
        )
        assert stretches.length_m == pytest.approx(want, abs=1e-6)
        to_node, _ = nearest_nodes(graph, seeds, limit)
        assert set(np.flatnonzero(to_node <= limit)) == {node for node in ego if isinstance(node, int)}


def bent(world: World) -> pd.DataFrame:
    """The world's streets with a bend in every other one."""
    streets = streets_of(world)
    lines = project_geometry(streets["geometry"].to_numpy(dtype=object), 4326, EPSG)
    for row in range(0, len(lines), 2):
        (ax, ay), (bx, by) = shapely.get_coordinates(lines[row])
        lines[row] = shapely.LineString([(ax, ay), ((ax + bx) / 2 + 40, (ay + by) / 2 - 25), (bx, by)])
    return streets.assign(geometry=to_degrees(lines, EPSG), length_m=np.round(shapely.length(lines), 3))


WATER = Water(np.array([shapely.MultiLineString([np.array([(300.0, -50.0), (310.0, 700.0)]) + ORIGIN])], dtype=object))


@settings(max_examples=40, deadline=None)
@given(seeded(), st.sampled_from((Water(NO_WATER), WATER)))
def test_polygons_nest_are_valid_and_are_the_plain_union(drawn: tuple[World, Seeds], water: Water) -> None:
    world, seeds = drawn
    streets = bent(world)
    graph = build_graph(streets, "walk", EPSG)
    seeds = Seeds(seeds.edge, np.minimum(seeds.offset_m, graph.length_m[seeds.edge]), seeds.leg_m)
    to_node, _ = nearest_nodes(graph, seeds, max(LIMITS))
    found = [reached_stretches(graph, to_node, seeds, limit) for limit in LIMITS]
    strips = Strips(streets, water, EPSG)
    polygons = ReachedLand(strips).polygons([found, found[2:3]])
    assert polygons[1][0].equals(polygons[0][2]) or polygons[1][0].symmetric_difference(polygons[0][2]).area < 1.0
    written = project_geometry(to_written(np.array(polygons[0], dtype=object), EPSG), 4326, EPSG)
    for shapes in (np.array(polygons[0], dtype=object), written):
        assert shapely.is_valid(shapes).all()
        assert set(shapely.get_type_id(shapes)) == {shapely.GeometryType.MULTIPOLYGON}
        for inner, outer in pairwise(shapes):
            assert shapely.difference(inner, outer).area < 1.0
    for stretches, polygon in zip(found, polygons[0], strict=True):
        plain = shapely.union_all(strips.along(stretches))
        # nothing more than the plain union, and nothing less but where a round end stood out at a bend, 2 m deep at most
        assert shapely.difference(polygon, plain).area < 0.1
        assert shapely.difference(shapely.buffer(plain, -2.0), polygon).area < 0.1


@settings(max_examples=30, deadline=None)
@given(seeded(), st.integers(0, 2**32 - 1))
def test_row_order_changes_no_byte(drawn: tuple[World, Seeds], seed: int) -> None:
    world, seeds = drawn
    rng = np.random.default_rng(seed)
    streets = streets_of(world)
    links = pd.DataFrame({"owner_type": "site", "owner_id": [f"s{row % 2}" for row in range(len(seeds))], "profile": "walk",
                          "linked": True, "edge_id": streets["edge_id"].to_numpy()[seeds.edge], "offset_m": seeds.offset_m,
                          "leg_m": seeds.leg_m})  # fmt: skip
    facilities = pd.DataFrame({"facility_id": ["f0", "f1"], "site_id": ["s0", "s1"]})
    barriers = pd.DataFrame({"barrier": [], "bridge": [], "geometry": []})

    def draw(mix: bool) -> gpd.GeoDataFrame:
        s, k = (frame.iloc[rng.permutation(len(frame))] if mix else frame for frame in (streets, links))
        return facility_catchment(
            "f0", (300, 100), streets=s, barriers=barriers, facilities=facilities, links=k, metric_epsg=EPSG
        )

    one, other = draw(False), draw(True)
    assert [shape.wkb for shape in one.geometry] == [shape.wkb for shape in other.geometry]
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
    )


@settings(max_examples=40, deadline=None)
@given(seeded(), st.integers(0, 20))
def test_another_site_or_way_in_never_shortens_what_is_reached(drawn: tuple[World, Seeds], pick: int) -> None:
    world, seeds = drawn
    _, more = levels(world, seeds)
    _, less = levels(world, seeds.take(np.flatnonzero(np.arange(len(seeds)) != pick % len(seeds))))
    for before, after in zip(less, more, strict=True):
        assert after.length_m >= before.length_m - 1e-9


# ---- water, lines, one facility


def strip(line: list[tuple[float, float]], shores: list[list[tuple[float, float]]]) -> shapely.Geometry:
    lines = np.array([shapely.LineString(line)], dtype=object)
    water = Water(np.array([shapely.MultiLineString([shore]) for shore in shores], dtype=object))
    return water.cut(shapely.buffer(lines, 25.0, quad_segs=2), lines)[0]


def test_a_strip_ends_at_the_shore() -> None:
    quay = strip([(0, 0), (200, 0)], [[(-100, 10), (300, 10)]])  # a river 10 m north of the street
    assert quay.bounds == pytest.approx((-25, -25, 225, 10))
    plain = strip([(0, 0), (200, 0)], [])
    assert strip([(0, 0), (200, 0)], [[(-100, 26), (300, 26)]]).equals(plain)
    assert plain.area == pytest.approx(10_000 + 4 * OCTANT)


def test_a_bridge_carries_its_strip_over_and_a_pond_beside_the_street_stays_out() -> None:
    banks = [[(90, -100), (90, 100)], [(110, -100), (110, 100)]]
    assert strip([(0, 0), (200, 0)], banks).equals(strip([(0, 0), (200, 0)], []))
    short = strip([(0, 0), (80, 0)], banks)  # a street that ends before the river
    assert short.bounds == pytest.approx((-25, -25, 90, 25))
    pond = [(40, 5), (60, 5), (60, 20), (40, 20), (40, 5)]
    wet = strip([(0, 0), (200, 0)], [pond])
    assert wet.area == pytest.approx(10_000 + 4 * OCTANT - 300)
    assert len(wet.interiors) == 1


def test_a_stretch_over_a_bridge_ends_where_its_limit_does() -> None:
    streets = streets_of(World(((0, 0), (200, 0)), ((0, 1),), (), ()))
    river = shapely.MultiLineString(
        [np.array(bank) + ORIGIN for bank in ([(90, -90), (90, 90)], [(110, -90), (110, 90)])]
    )
    strips = Strips(streets, Water(np.array([river], dtype=object)), EPSG)
    ends = np.array([60.0, 80.0, 100.0, 130.0])
    shapes = strips.along(Stretches(np.zeros(4, dtype=np.int64), np.zeros(4), ends))
    # 60: its end is 5 m before the river. 80: cut at the bank. 100: on the bridge, cut at the other bank. 130: over it
    assert (shapely.bounds(shapes)[:, 2] - ORIGIN[0]).tolist() == pytest.approx([85, 90, 110, 155], abs=0.1)


def test_barriers_on_a_bridge_and_other_barriers_cut_no_strip() -> None:
    line = to_degrees(np.array([shapely.MultiLineString([ORIGIN + np.array([(0, 0), (9, 9)])])], dtype=object), EPSG)[0]
    rows = [("water", False), ("water", True), ("rail", False), ("wall", False), ("motorway", False)]
    barriers = pd.DataFrame(rows, columns=["barrier", "bridge"]).assign(geometry=[line] * 5)
    assert len(Water.of(barriers, EPSG).segments) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=6, unique=True),
       st.floats(0, 1), st.floats(0, 1))  # fmt: skip
def test_lines_are_cut_where_shapely_cuts_them(places: list[tuple[int, int]], one: float, other: float) -> None:
    from shapely.ops import substring

    begin, end = sorted((one, other))
    line = shapely.LineString(places)
    lines = Lines(np.array([shapely.LineString([(9, 9), (5, 5)]), line], dtype=object), np.array([5.0, 1.0]))
    cut = lines.cut(np.array([1]), np.array([begin]), np.array([end]))[0]
    assert shapely.hausdorff_distance(cut, substring(line, begin, end, normalized=True)) < 1e-6
    assert cut.length == pytest.approx(line.length * (end - begin), abs=1e-6)


def test_one_facility_on_request(town_run: Path) -> None:
    inputs = inputs_of(town_run)
    tables = {"streets": inputs.streets, "barriers": inputs.barriers, "facilities": inputs.facilities,
              "links": inputs.links, "metric_epsg": inputs.metric_epsg}  # fmt: skip
    found = facility_catchment("osm:w207", [300, 240.0], **tables)
    assert found["limit_m"].tolist() == [240.0, 300.0]
    # park 207 by its gate 65: 50 to the street, then both ways along 1-3; see the town's README
    assert found["reached_m"].tolist() == pytest.approx([380, 550], abs=0.5)
    assert found["area_ha"][0] == pytest.approx((380 * 50 + 4 * OCTANT) / 10_000, abs=0.001)
    assert found.crs.to_epsg() == 4326
    # a facility that is being built may be asked for too; one that nobody knows may not
    assert len(facility_catchment("osm:n77", [100.0], **tables)) == 1
    with pytest.raises(KeyError):
        facility_catchment("osm:n999", [100.0], **tables)
    lost = tables | {"links": inputs.links.assign(linked=False)}
    assert len(facility_catchment("osm:w207", [300.0], **lost)) == 0
