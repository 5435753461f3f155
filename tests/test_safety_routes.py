"""Routes against hand-worked figures, networkx and plain loops; the tables that come of them; lines as they are drawn."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from helpers import Drawing, box, call, degrees, write_config
from hypothesis import given, settings
from hypothesis import strategies as st
from way_drawing import SETTINGS, as_networkx, draw_graph, join_ends, random_walks, score_ways

from xiqing_space.catalog import load_catalogue
from xiqing_space.crs import project_geometry
from xiqing_space.safety.assignment import walking_shares
from xiqing_space.safety.route_lines import route_lines, way_of
from xiqing_space.safety.route_sums import score_pieces, sum_routes
from xiqing_space.safety.routes import Routed, SchoolWalks, choose_routes, walk_shortest
from xiqing_space.safety.school_routes import (
    RouteTables,
    SchoolRoutes,
    flows_of,
    flows_table,
    forest_table,
    route_pupils,
    routes_table,
    weight_kind_of,
)
from xiqing_space.safety.schools import schools_table
from xiqing_space.safety.way_values import TIES, price_of, ways_in
from xiqing_space.schemas.safety import RISKS, TREES
from xiqing_space.stages.route_pupils import route_tables, sided_values
from xiqing_space.store import Store
from xiqing_space.tables import empty, finish

CATALOGUE = load_catalogue()
Rows = np.ndarray[Any, np.dtype[np.int64]]


def pairs_of(homes: int, schools: int) -> tuple[Rows, Rows]:
    return np.repeat(np.arange(homes), schools), np.tile(np.arange(schools), homes)


def routed(walks: SchoolWalks, home: Rows, school: Rows) -> Routed:
    return choose_routes(walks, home, school, walk_shortest(walks, home, school))


# --- by hand: a street of 200 m (along 10) whose sides meet at n1 (crossing 2) and n2 (crossing 30); the home on its left at 150,
# --- 10 from the street, the school on its right at 50, 5 from it; over the street before a door: b1


def one_street(block: float, part: float = 1.0, **rules: float) -> SchoolWalks:
    graph = draw_graph(
        [("n1", 0, 0, 0), ("n1", 1, 0, 0), ("n2", 0, 200, 0), ("n2", 1, 200, 0)],
        [(0, 2, 200, "e1", None), (1, 3, 200, "e1", None), (0, 1, 0, None, "x1"), (2, 3, 0, None, "x2")], {"b1": 1.0},
    )  # fmt: skip
    # crossings are b1, x1, x2
    ends = join_ends(
        [(0, 0, 150, 10, 0, 1 - part), (0, 1, 150, 10, 0, part), (1, 1, 50, 5, 0, 1 - part), (1, 0, 50, 5, 0, part)]
    )
    values = score_ways(graph, {"e1": 10.0}, {"x1": 2.0, "x2": 30.0, "b1": block})
    chosen = replace(SETTINGS, alpha=0.1, beta_m=10.0, between=0.25, detour_max=1.5)
    return SchoolWalks(
        graph, ways_in(ends, np.array([0, -1])), ways_in(ends, np.array([-1, 0])), np.array([[150.0, 10.0]]),
        replace(chosen, **rules), values,
    )  # fmt: skip


def sums_of(walks: SchoolWalks) -> pd.Series:
    home, school = pairs_of(1, 1)
    return sum_routes(routed(walks, home, school), walks, CATALOGUE).iloc[0]


def test_crossing_before_the_door_where_that_is_cheaper() -> None:
    # 10 + 10 × 8 over b1 + 100 × (1 + 0.1 × 10) + 5 = 295; by n1: 10 + 150 × 2 + 10 × 2 + 50 × 2 + 5 = 435
    found = sums_of(one_street(8.0))
    assert found["tree"] == "safest"
    assert found["length_m"] == pytest.approx(115)
    assert found[["cross_sum", "worst_cross", "worst_along", "along_mean"]].tolist() == [8, 8, 10, 10]
    assert found["worst_crossing"] == 0
    assert found["route_risk"] == pytest.approx(10 * 100 / 100 + 8)
    # 10 + 8 = 18, in the band 9–24 of three stars: 3 + 6 ÷ 15 = 3.4
    assert found["route_score"] == pytest.approx(68)
    assert bool(found["acceptable"])


def test_round_by_the_corner_where_the_detour_allows_it() -> None:
    # b1 40: 10 + 400 + 200 + 5 = 615, so by n1; 10 + 150 + 50 + 5 = 215 is 1.87 × 115
    found = sums_of(one_street(40.0, detour_max=2.0))
    assert found["tree"] == "safest"
    assert found["length_m"] == pytest.approx(215)
    assert found["shortest_m"] == pytest.approx(115)
    assert found["detour_ratio"] == pytest.approx(215 / 115)
    assert found[["cross_sum", "worst_cross", "along_mean", "m_high"]].tolist() == [2, 2, 10, 200]
    assert found["route_risk"] == pytest.approx(10 * 200 / 100 + 2)
    # 10 + 2 = 12: 3 + 12 ÷ 15 = 3.8
    assert found["route_score"] == pytest.approx(76)


def test_half_hearted_where_the_safest_is_too_long() -> None:
    # a quarter of α and β: over b1 10 + 100 + 100 × 1.25 + 5 = 240, by n1 10 + 250 + 5 + 5 = 270
    found = sums_of(one_street(40.0))
    assert found["tree"] == "between"
    assert found[["length_m", "worst_cross"]].tolist() == [115, 40]
    # 50 lies in the band 24–54 of two stars: 2.1; a crossing of the very-high class is never acceptable
    assert found["route_score"] == pytest.approx(42)
    assert not bool(found["acceptable"])


def test_the_shortest_where_nothing_else_is_short_enough() -> None:
    # b1 60: over it a quarter costs 10 + 150 + 125 + 5 = 290, so by n1 (270) again, and that is too long
    found = sums_of(one_street(60.0))
    assert found["tree"] == "shortest"
    assert found[["length_m", "worst_cross"]].tolist() == [115, 60]


def test_caps_hold_in_costs_and_not_in_scores() -> None:
    found = sums_of(one_street(500.0, cross_cap=8.0))
    assert found["tree"] == "safest"
    assert found[["length_m", "worst_cross", "cross_sum"]].tolist() == [115, 500, 500]


def test_a_side_that_nobody_knows_is_half_a_crossing() -> None:
    # half of b1 at either door, whichever side is walked: 10 + 40 + 200 + 5 + 40
    walks = one_street(8.0, part=0.5)
    home, school = pairs_of(1, 1)
    made = routed(walks, home, school)
    pieces = made.pieces["safest"]
    cost = pieces.sums(pieces.cost(price_of(walks.graph, walks.values, walks.settings, 1.0))[:, None])
    assert cost[pieces.leaf[0], 0] == pytest.approx(295)
    found = sum_routes(made, walks, CATALOGUE).iloc[0]
    assert found[["cross_sum", "worst_cross"]].tolist() == [8, 4]


def test_two_carriageways_are_one_crossing() -> None:
    # n1 to n2 over two halves of one road of cross 20, three lanes and one: shares 0.75 and 0.25
    graph = draw_graph(
        [("n1", 0, 0, 0), ("n2", 0, 100, 0), ("n2", 1, 100, 0), ("n3", 0, 110, 0), ("n3", 1, 110, 0), ("n4", 0, 200, 0)],
        [(0, 1, 100, "e1", None), (1, 2, 0, None, "xa"), (2, 3, 10, "e2", None), (3, 4, 0, None, "xb"), (4, 5, 90, "e3", None)],
        {"xa": 0.75, "xb": 0.25},
    )  # fmt: skip
    ends = join_ends([(0, 0, 0, 1, -1, 0), (1, 4, 90, 2, -1, 0)])
    values = score_ways(graph, {"e2": 4.0}, {"xa": 20.0, "xb": 20.0})
    walks = SchoolWalks(
        graph, ways_in(ends, np.array([0, -1])), ways_in(ends, np.array([-1, 0])), np.zeros((1, 2)), SETTINGS, values
    )
    found = sums_of(walks)
    assert found[["cross_sum", "worst_cross", "worst_along", "m_medium", "m_low"]].tolist() == [20, 20, 4, 10, 190]
    assert found["length_m"] == pytest.approx(203)
    # 0.5 of each street, 1 of the crossing: (2 × 0.5 + 1 × 1) ÷ 3
    assert found["share_defaulted"] == pytest.approx(2 / 3)
    assert found["reliability"] == "low"


def test_a_pupil_who_comes_back_on_the_other_side_is_one_pupil() -> None:
    walks = one_street(40.0, detour_max=2.0)
    home, school = pairs_of(1, 1)
    made = routed(walks, home, school)
    pieces = made.pieces["safest"]
    passing = pieces.passing(np.ones((1, 1)))[:, 0]
    on_street = (pieces.edge == 0) & (pieces.metres > 0)
    assert on_street.sum() == 2
    assert passing[on_street & ~pieces.passed_again(pieces.edge)].sum() == 1


# --- networkx and plain loops


def reached(net: nx.MultiDiGraph, home: int, school: int) -> float:
    if ("home", home) not in net or ("school", school) not in net:
        return np.inf
    try:
        return float(nx.shortest_path_length(net, ("home", home), ("school", school), weight="cost"))
    except nx.NetworkXNoPath:
        return np.inf


def assert_equals_networkx(walks: SchoolWalks, home: Rows, school: Rows) -> None:
    """Every tree's total cost; what does not come within the limit has none."""
    nearest = walk_shortest(walks, home, school)
    made = choose_routes(walks, home, school, nearest)
    trees = {"shortest": (TIES, nearest.pieces)} | {
        name: (part, made.pieces[name])
        for name, part in (("safest", 1.0), ("between", walks.settings.between))
        if name in made.pieces
    }
    for name, (part, pieces) in trees.items():
        net = as_networkx(walks, part)
        cost = pieces.sums(pieces.cost(price_of(walks.graph, walks.values, walks.settings, part))[:, None])[:, 0]
        for pair in range(len(home)):
            plain = reached(net, int(home[pair]), int(school[pair]))
            if pieces.leaf[pair] >= 0:
                assert cost[pieces.leaf[pair]] == pytest.approx(plain, abs=1e-6)
            elif name == "shortest":
                assert plain > walks.settings.max_route_m
    assert np.isnan(nearest.length_m).tolist() == (made.tree < 0).tolist()


def assert_sums_by_loops(walks: SchoolWalks, made: Routed) -> None:
    """Every sum and maximum again, one route at a time."""
    table = sum_routes(made, walks, CATALOGUE)
    graph, values = walks.graph, walks.values
    for pair, tree in enumerate(made.tree.tolist()):
        if tree < 0:
            continue
        pieces = made.pieces[TREES[tree]]
        length = along = cross = 0.0
        risks, worst = [0.0] * 4, [0.0, 0.0]
        for piece in way_of(pieces, int(pieces.leaf[pair])).tolist():
            length += pieces.metres[piece] + pieces.leg_m[piece]
            if (edge := pieces.edge[piece]) >= 0 and pieces.metres[piece] > 0:
                along += pieces.metres[piece] * values.along[edge]
                risks[values.risk[edge]] += pieces.metres[piece]
                worst[0] = max(worst[0], values.along[edge])
            if (crossing := pieces.crossing[piece]) >= 0:
                cross += values.cross[crossing] * graph.share[crossing] * pieces.part[piece]
                worst[1] = max(worst[1], values.cross[crossing] * pieces.part[piece])
        row = table.iloc[pair]
        assert row["length_m"] == pytest.approx(length)
        assert row["cross_sum"] == pytest.approx(cross)
        assert row["route_risk"] == pytest.approx(along / 100 + cross)
        assert [row[f"m_{risk}"] for risk in RISKS] == pytest.approx(risks)
        assert [np.nan_to_num(row["worst_along"]), row["worst_cross"]] == pytest.approx(worst)
        assert row["length_m"] <= 1.5 * row["shortest_m"] + 0.02
        assert row["shortest_m"] <= row["length_m"] + 1e-6


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000))
def test_random_graphs_give_networkx_costs_and_loop_sums(seed: int) -> None:
    walks = random_walks(seed)
    home, school = pairs_of(12, 3)
    assert_equals_networkx(walks, home, school)
    assert_sums_by_loops(walks, routed(walks, home, school))


def test_a_hint_changes_no_length() -> None:
    walks = random_walks(7)
    home, school = pairs_of(12, 3)
    plain = walk_shortest(walks, home, school)
    for hint in (1.0, 5000.0):
        told = walk_shortest(walks, home, school, np.full(len(home), hint))
        np.testing.assert_array_equal(told.length_m, plain.length_m)


def test_a_school_searched_alone_has_the_same_routes() -> None:
    walks = random_walks(11)
    home, school = pairs_of(12, 3)
    both = sum_routes(routed(walks, home, school), walks, CATALOGUE)
    mine = school == 1
    alone = sum_routes(routed(walks, home[mine], school[mine]), walks, CATALOGUE)
    pd.testing.assert_frame_equal(both[mine].reset_index(drop=True), alone)


# --- a village, from an extract through all stages before


def draw_village() -> Drawing:
    """A grid of streets each 200 m with a wide road through it, homes, five schools: one near, one far off, one on an island, one on no
    street, one of the middle level.
    """  # fmt: skip
    d = Drawing()
    for row in range(4):
        y = 200.0 * row
        wide = {"lanes": "4", "maxspeed": "60"} if row == 2 else {}
        stops = [(200.0 * column, y) for column in range(5)]
        d.street(stops, "secondary" if row == 2 else "residential", name=f"横{row}路", **wide)
    for column in range(5):
        d.street([(200.0 * column, 200.0 * row) for row in range(4)], "residential", name=f"纵{column}路")
    d.street([(800.0, 400.0), (1500.0, 400.0), (2200.0, 400.0)], "tertiary", name="远路")
    d.street([(3000.0, 0.0), (3000.0, 700.0)], name="岛路")
    for column in range(4):
        for row in range(3):
            west, south = 200.0 * column + 60, 200.0 * row + 30
            d.block(west, south, west + 20, south + 20, {"building": "apartments", "building:levels": str(3 + row)})
    for number, (name, x, y) in enumerate(
        (
            ("第一小学", 310, 590),
            ("第二小学", 2190, 420),
            ("岛上小学", 2980, 300),
            ("荒地小学", 2600, 350),
            ("初级中学", 790, 20),
        )
    ):
        d.node(x, y, {"amenity": "school", "name": name}, id=9000 + number)
    d.way([(-100.0, 195.0), (900.0, 195.0)], {"waterway": "canal"})
    return d


ONE, TWO, ISLE, WASTE, MIDDLE = (f"osm:n900{number}" for number in range(5))


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Store:
    base = tmp_path_factory.mktemp("village")
    osm = draw_village().write(base / "village.osm.pbf")
    config = write_config(base / "c.toml", {"area": {"name": "村"}, "sources": {"osm": str(osm)}})
    result = call("run", "--config", config, "--out", base / "out", "--only", "routes")
    assert result.code == 0, result.err[-300:]
    return Store(base / "out" / "data" / "processed")


@pytest.fixture(scope="module")
def parts(village: Store) -> tuple[RouteTables, Any, Any]:
    tables = route_tables(village)
    return tables, *sided_values(village, tables, CATALOGUE)


Reroute = Callable[..., tuple[RouteTables, SchoolRoutes]]


@pytest.fixture(scope="module")
def reroute(parts: tuple[RouteTables, Any, Any]) -> Reroute:
    """The village with other tables of assignment."""

    def again(shares: pd.DataFrame | None = None, **tables: pd.DataFrame) -> tuple[RouteTables, SchoolRoutes]:
        made = replace(parts[0], assignment=replace(parts[0].assignment, **tables))
        made = made if shares is None else replace(made, school_shares=shares)
        return made, route_pupils(made, *parts[1:], CATALOGUE)

    return again


def all_tables(tables: RouteTables, found: SchoolRoutes) -> dict[str, pd.DataFrame]:
    weights = weight_kind_of(tables.assignment.demand)
    edges, crossings = flows_of(found, "edge"), flows_of(found, "crossing")
    made = {
        "school_routes": routes_table(found, tables, CATALOGUE), "school_forest": forest_table(found, weights),
        "pupil_flows": flows_table(found, edges, crossings, weights), "schools": schools_table(found, crossings, tables, CATALOGUE),
    }  # fmt: skip
    return {name: finish(name, frame) for name, frame in made.items()}


def test_each_school_has_a_row_and_its_reason(village: Store) -> None:
    schools = village.get("schools").set_index(["school_id", "kind"])
    assert schools["reason"].fillna("").to_dict() == {
        (ONE, "primary_school"): "", (TWO, "primary_school"): "no_pupils_near", (ISLE, "primary_school"): "island",
        (WASTE, "primary_school"): "school_not_linked", (MIDDLE, "junior_school"): "",
    }  # fmt: skip
    idle = schools[schools["reason"].notna()]
    assert (idle["children"] == 0).all()
    assert idle[["route_score_mean", "share_acceptable", "worst_cross", "assigned_by"]].isna().all(axis=None)


def test_every_child_of_every_kind_is_in_one_row(village: Store) -> None:
    rows, demand = village.get("school_routes"), village.get("demand")
    assert len(rows) == 2 * len(demand)
    assert set(rows["weight_kind"]) == {"relative"}
    assert rows.groupby("kind")["children"].sum().to_dict() == pytest.approx(
        {"primary_school": demand["pop_6_11"].sum(), "junior_school": demand["pop_12_14"].sum()}
    )
    # twelve homes of one size, 3, 4 and 5 storeys: shares that sum to one, of which 6 and 3 of 18 years
    assert rows.groupby("kind")["children"].sum().to_dict() == pytest.approx(
        {"primary_school": 6 / 18, "junior_school": 3 / 18}
    )
    assert set(village.get("pupil_flows")["weight_kind"]) == {"relative"}
    assert village.get("pupil_flows")["children"].max() <= 0.5 + 1e-9


def test_shortest_is_the_walk_of_access(village: Store) -> None:
    rows = village.get("school_routes")
    access = village.get("access").query("profile == 'walk'").set_index(["demand_id", "kind"])["distance_m"]
    walked = access[pd.MultiIndex.from_frame(rows[["demand_id", "kind"]])].to_numpy()
    assert np.abs(rows["shortest_m"].to_numpy() - walked).max() < 0.0151
    assert (rows["length_m"] >= rows["shortest_m"] - 0.01).all()


def test_pupils_are_conserved_at_every_corner(
    village: Store, parts: tuple[RouteTables, Any, Any], reroute: Reroute
) -> None:
    _, found = reroute()
    graph = found.walks.graph
    by_gate = dict.fromkeys(found.assigned.site_id, 0.0)
    for tree, pieces, passing, _ in found.passing:
        total = passing.sum(axis=1)
        start = np.zeros(len(total))
        np.add.at(start, pieces.leaf[pieces.leaf >= 0], found.pupils().sum(axis=1)[pieces.leaf >= 0])
        entering = start.copy()
        np.add.at(entering, pieces.parent[pieces.parent >= 0], total[pieces.parent >= 0])
        np.testing.assert_allclose(entering, total, atol=1e-12)
        for row in np.flatnonzero(pieces.gate >= 0).tolist():
            by_gate[found.assigned.site_id[pieces.school[row]]] += total[row]
        assert tree in TREES
    schools = village.get("schools").groupby("school_id")["children_routed"].sum()
    assert {site: by_gate[site] for site in schools.index} == pytest.approx(schools.to_dict())
    # and from the written table alone: whoever leaves a corner over a crossing or edge arrives at another corner or at the gate
    forest = village.get("school_forest")
    assert forest["next_edge_id"].notna().mul(1).add(forest["next_crossing_id"].notna()).eq(1).all()
    assert set(forest["node_id"]) <= set(graph.node_id)
    assert len(forest) == len(forest_table(found, "relative"))


def test_flows_add_up_over_routes(village: Store, reroute: Reroute) -> None:
    tables, found = reroute()
    ids = tables.assignment.demand["demand_id"].tolist()
    lines = route_lines(ids, found, tables)
    children = village.get("school_routes").set_index(["demand_id", "school_id", "kind"])["children"]
    lines["children"] = children[pd.MultiIndex.from_frame(lines[["demand_id", "school_id", "kind"]])].to_numpy()
    flows = village.get("pupil_flows").set_index("item_id")["children"]
    for what, part in (("edge_id", "street"), ("crossing_id", "crossing")):
        mine = lines[lines["part"] == part].drop_duplicates(["demand_id", "school_id", "kind", what])
        expected = mine.groupby(what)["children"].sum()
        assert len(expected) > 10 if what == "edge_id" else len(expected) > 3
        assert flows[expected.index].to_dict() == pytest.approx(expected.to_dict())
    assert len(flows) == len(set(lines["edge_id"].dropna()) | set(lines["crossing_id"].dropna()))


def assert_lines_fit(tables: RouteTables, found: SchoolRoutes, rows: pd.DataFrame, homes: list[str]) -> int:
    """Lines run from door to gate without a gap, as long as the route; no edge or crossing on them is worse than the worst link."""
    lines = route_lines(homes, found, tables)
    doors = tables.assignment.demand.set_index("demand_id")["geometry"]
    sites = tables.assignment.facilities.drop_duplicates("site_id").set_index("site_id")["geometry"]
    gates = tables.gates.drop_duplicates("gate_id").set_index("gate_id")["geometry"]
    values, graph = found.walks.values, found.walks.graph
    along, cross = (
        dict(zip(graph.edge_id, values.along, strict=True)),
        dict(zip(graph.crossing_id, values.cross, strict=True)),
    )
    known = rows.set_index(["demand_id", "school_id", "kind"])
    count = 0
    for key, mine in lines.groupby(["demand_id", "school_id", "kind"], sort=False):
        row = known.loc[key]
        drawn = project_geometry(mine.loc[mine["part"] != "crossing", "geometry"].to_numpy(), 4326, tables.metric_epsg)
        ends = [shapely.get_coordinates(one)[[0, -1]] for one in drawn]
        assert max((np.hypot(*(a[1] - b[0])) for a, b in itertools.pairwise(ends)), default=0.0) < 0.001
        last = gates[row["gate_id"]] if row["gate_id"] in gates.index else sites[key[1]]
        for place, end in ((doors[key[0]], ends[0][0]), (last, ends[-1][1])):
            assert (
                shapely.distance(project_geometry(np.array([place]), 4326, tables.metric_epsg)[0], shapely.Point(end))
                < 0.05
            )
        assert mine["metres"].sum() == pytest.approx(row["length_m"], abs=0.01)
        assert sum(shapely.length(drawn)) == pytest.approx(row["length_m"], abs=0.05 * len(drawn))
        streets = mine.loc[mine["part"] == "street", "edge_id"]
        assert max(along[one] for one in streets) == pytest.approx(row["worst_along"], abs=1e-4)
        assert along[row["worst_edge_id"]] == pytest.approx(row["worst_along"], abs=1e-4)
        passed = set(mine["crossing_id"].dropna())
        assert (row["worst_crossing_id"] in passed) == bool(passed)
        assert row["worst_cross"] <= max((cross[one] for one in passed), default=0.0) + 1e-4
        count += 1
    return count


def test_lines_run_from_door_to_gate_and_hold_the_worst_link(village: Store, reroute: Reroute) -> None:
    tables, found = reroute()
    homes = tables.assignment.demand["demand_id"].tolist()
    assert assert_lines_fit(tables, found, village.get("school_routes"), homes) == 2 * len(homes)
    assert set(route_lines(homes[:2], found, tables, kinds=["junior_school"])["kind"]) == {"junior_school"}
    assert route_lines(["nobody"], found, tables).empty


def test_worst_links_are_told_in_words(village: Store) -> None:
    rows = village.get("school_routes")
    over = rows[rows["worst_zh"].str.startswith("过 横2路")]
    assert len(over) > 3  # the school lies beyond the wide road
    assert set(over["worst_zh"]) == {"过 横2路，4 车道，无信号灯（按默认值）"}
    assert set(over["worst_en"]) == {"crossing 横2路, 4 lanes, no signal (default)"}
    walked = rows[rows["worst_zh"].str.startswith("沿")]
    assert (walked["worst_along"] > walked["worst_cross"]).all()
    assert walked["worst_zh"].str.contains("无人行道（按默认值）").any()


def test_water_beside_the_way_is_counted(village: Store, reroute: Reroute) -> None:
    # the canal runs 5 m south of the first cross street, so all of its edges lie beside it, and 15 m of streets that cross it
    _, found = reroute()
    values, graph = found.walks.values, found.walks.graph
    streets = village.get("streets").set_index("edge_id")
    for edge, share in zip(graph.edge_id, values.water, strict=True):
        name, south = streets.loc[edge, "name"], streets.loc[edge, "geometry"].bounds[1]
        if name == "横1路":
            assert share == 1.0
        elif str(name).startswith("纵"):
            # from 185 to 205: 15 of the 200 m below the cross street, 5 of those above it
            low, at = south < degrees(0, 195)[1], degrees(0, 195)[1]
            expected = (15 if low else 5) / 200 if low or south < at + 0.0001 else 0.0
            assert share == pytest.approx(expected, abs=0.011)
        else:
            assert share == 0.0
    rows = village.get("school_routes")
    assert rows["m_beside_water"].max() > 20


# --- who goes where


def areas(*rows: tuple[str, str | None, list[tuple[float, float]]]) -> pd.DataFrame:
    shapes = [shapely.MultiPolygon([shapely.Polygon([degrees(*place) for place in corners])]) for _, _, corners in rows]
    return finish(
        "school_areas",
        pd.DataFrame(
            {
                "area_id": [f"file:areas:{at}" for at in range(len(rows))], "school_id": [row[0] for row in rows],
                "school_name": "某校", "kind": [row[1] for row in rows], "geometry": shapes,
            }
        ),
    )  # fmt: skip


def table_of(*rows: tuple[str, str | None, str | None, str | None]) -> pd.DataFrame:
    return finish(
        "school_assignments",
        pd.DataFrame(
            [(f"file:t:{at}", unit, key, "某", site, "某校", kind) for at, (unit, key, site, kind) in enumerate(rows)],
            columns=["row_id", "unit", "unit_id", "unit_name", "school_id", "school_name", "kind"],
        ),
    )


def chosen(tables: RouteTables, found: SchoolRoutes, kind: str = "primary_school") -> pd.DataFrame:
    rows = routes_table(found, tables, CATALOGUE)
    return rows[rows["kind"] == kind].set_index("demand_id").sort_index()


def test_overlapping_areas_take_the_nearer_school_and_gaps_the_nearest(reroute: Reroute) -> None:
    # one 学区 holds the two columns of homes from x = 200 to 600, the other those east of 400: the third column lies in both. From there
    # at y = 40 it is 40 + 330 + 20 + 10 to the middle school, which takes younger pupils here, and 40 + 70 + 600 + 90 + 10 to the
    # first; at 240 560 and 610; at 440 760 and 410.
    tables, found = reroute(
        school_areas=areas(
            (MIDDLE, "primary_school", box(400, -50, 900, 700)), (ONE, None, box(200, -50, 600, 700))
        )
    )  # fmt: skip
    rows = chosen(tables, found)
    places = tables.assignment.demand.set_index("demand_id")["geometry"][rows.index]
    hand = []
    for point in places:
        column = int(np.searchsorted([degrees(at, 0)[0] for at in (200, 400, 600)], point.x))
        far_south = point.y < degrees(0, 400)[1]
        hand.append(
            ("nearest" if column == 0 else "district", MIDDLE if column == 3 or (column == 2 and far_south) else ONE)
        )
    assert list(zip(rows["assigned_by"], rows["school_id"], strict=True)) == hand
    both = rows[[school == "district" and degrees(400, 0)[0] < point.x < degrees(600, 0)[0] for (school, _), point in
                 zip(hand, places, strict=True)]]  # fmt: skip
    assert both["shortest_m"].round(0).sort_values().tolist() == [400, 410, 560]
    told = found.assigned.overlaps
    assert told[["kind", "schools", "homes"]].to_numpy().tolist() == [["primary_school", f"{ONE}|{MIDDLE}", 3]]
    # nothing is said of the middle schools
    assert set(chosen(tables, found, "junior_school")["assigned_by"]) == {"nearest"}


def test_the_narrower_unit_wins_and_the_table_over_the_area(village: Store, reroute: Reroute) -> None:
    demand = village.get("demand").copy()
    ids = demand["demand_id"].tolist()
    demand.loc[demand["demand_id"] == ids[0], "compound_id"] = "c1"
    demand.loc[demand["demand_id"] == ids[1], "zone_id"] = "inner"
    zones = pd.DataFrame({"zone_id": ["area", "inner"], "name": ["村", "甲社区"], "parent_id": [None, "area"],
                          "geometry": [village.get("zones")["geometry"].iloc[0]] * 2})  # fmt: skip
    everywhere = box(-100, -100, 2500, 900)
    tables, found = reroute(
        demand=demand, zones=zones, school_areas=areas((ONE, "primary_school", everywhere)),
        school_assignments=table_of(
            ("zone", "area", TWO, "primary_school"), ("compound", "c1", ONE, "primary_school"),
            ("community", "甲社区", ONE, "primary_school"), ("zone", None, ONE, "primary_school"), ("compound", "c1", None, None),
        ),
    )  # fmt: skip
    rows = chosen(tables, found)
    assert set(rows["assigned_by"]) == {"table"}
    assert rows["school_id"].to_dict() == {one: ONE if one in ids[:2] else TWO for one in ids}


def test_a_school_nobody_reaches_keeps_its_homes(reroute: Reroute) -> None:
    everywhere = box(-100, -100, 2500, 900)
    for site, why, reason in ((WASTE, "school_not_linked", "school_not_linked"), (ISLE, "unreachable", "island")):
        tables, found = reroute(school_areas=areas((site, "primary_school", everywhere)))
        rows = chosen(tables, found)
        assert set(rows["reason"]) == {why}
        assert set(rows["school_id"]) == {site}
        assert rows["length_m"].isna().all()
        assert not rows["acceptable"].any()
        schools = all_tables(tables, found)["schools"].set_index("school_id")
        assert schools.loc[site, "reason"] == reason
        assert schools.loc[site, "children"] == pytest.approx(6 / 18)
        assert schools.loc[site, "children_routed"] == 0
        assert schools.loc[ONE, "reason"] == "no_pupils_near"


def test_a_closed_school_of_the_table_gives_way_to_the_nearest(village: Store, reroute: Reroute) -> None:
    facilities = village.get("facilities").copy()
    facilities.loc[facilities["site_id"] == TWO, "status"] = "closed"
    tables, found = reroute(facilities=facilities, school_areas=areas((TWO, None, box(-100, -100, 2500, 900))))
    assert set(chosen(tables, found)["assigned_by"]) == {"nearest"}
    assert found.assigned.closed == (TWO,)


def test_boarders_and_pupils_of_other_districts_leave_by_their_share(reroute: Reroute) -> None:
    shares = finish("school_shares", pd.DataFrame({"school_id": [ONE], "boarders_share": [0.25], "cross_district_share": [0.15],
                                                   "source": ["表"]}))  # fmt: skip
    tables, found = reroute(shares=shares)
    assert chosen(tables, found)["children"].sum() == pytest.approx(6 / 18 * 0.6)
    assert chosen(tables, found, "junior_school")["children"].sum() == pytest.approx(3 / 18)
    # what is not stated is none
    shares.loc[0, "cross_district_share"] = np.nan
    np.testing.assert_allclose(walking_shares(shares, np.array([TWO, ONE], dtype=object)), [1.0, 0.75])


def test_schools_of_unknown_level_are_pooled_where_the_catalogue_says_so(
    village: Store, parts: Any, reroute: Reroute
) -> None:
    # the first school's level is not stated: it is nearest for every child, or the second one has all the primary pupils
    facilities, access = village.get("facilities").copy(), village.get("access").copy()
    facilities.loc[facilities["site_id"] == ONE, "kind"] = "school_unknown_level"
    of_first = facilities.loc[facilities["site_id"] == ONE, "facility_id"].iloc[0]
    access = access[access["profile"] == "walk"]
    walked = access[access["facility_id"] == of_first]
    unknown = walked.assign(kind="school_unknown_level")
    gone = access["kind"].isin(["primary_school", "school_unknown_level"])
    far = walked.assign(
        facility_id=facilities.loc[facilities["site_id"] == TWO, "facility_id"].iloc[0], distance_m=2000.0
    )
    access = pd.concat([access[~gone], unknown, far], ignore_index=True)
    tables, found = reroute(facilities=facilities, access=access)
    assert set(chosen(tables, found)["school_id"]) == {ONE}
    assert (ONE, "primary_school") in set(
        zip(*(all_tables(tables, found)["schools"][one] for one in ("school_id", "kind")), strict=True)
    )
    rules = CATALOGUE.safety["routes"] | {"unknown_level": False}
    strict = CATALOGUE.model_copy(update={"safety": CATALOGUE.safety | {"routes": rules}})
    alone = route_pupils(tables, *parts[1:], strict)
    assert set(chosen(tables, alone)["school_id"]) == {TWO}


def test_homes_without_a_place_or_a_street_say_so(village: Store, reroute: Reroute) -> None:
    demand, access = village.get("demand").copy(), village.get("access").copy()
    first = demand["demand_id"].iloc[0]
    demand.loc[0, "placed"] = False
    access.loc[access["demand_id"] == first, ["facility_id", "gate_id", "distance_m"]] = np.nan
    access.loc[access["demand_id"] == first, "reason"] = "home_not_placed"
    tables, found = reroute(demand=demand, access=access)
    row = chosen(tables, found).loc[first]
    assert [row["school_id"], row["reason"]] == ["*", "home_not_placed"]
    assert row["children"] > 0
    finish("school_routes", routes_table(found, tables, CATALOGUE))


def test_nothing_to_route_gives_empty_tables(village: Store, reroute: Reroute) -> None:
    tables, found = reroute(facilities=village.get("facilities").iloc[:0], access=empty("access"))
    made = all_tables(tables, found)
    assert set(made["school_routes"]["reason"]) == {"no_school"}
    assert made["school_forest"].empty
    assert made["pupil_flows"].empty
    assert made["schools"].empty


def test_row_order_changes_nothing(village: Store, parts: Any, reroute: Reroute) -> None:
    tables, found = reroute()
    before = all_tables(tables, found)
    turned = replace(tables, assignment=replace(
        tables.assignment, facilities=tables.assignment.facilities.iloc[::-1], zones=tables.assignment.zones.iloc[::-1],
        access=tables.assignment.access.iloc[::-1],
    ), crossings=tables.crossings.iloc[::-1], street_attributes=tables.street_attributes.iloc[::-1])  # fmt: skip
    after = all_tables(turned, route_pupils(turned, *parts[1:], CATALOGUE))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name])
        pd.testing.assert_frame_equal(frame, village.get(name))


# --- towns


def some_pairs(walks: SchoolWalks, found: SchoolRoutes, count: int) -> tuple[SchoolWalks, Rows, Rows]:
    """A few routed pairs, and walks of their homes and schools alone."""
    rows = np.flatnonzero(found.routed.tree >= 0)
    rows = rows[np.linspace(0, len(rows) - 1, count).astype(int)]
    home, school = found.home[rows], found.school[rows]

    def alone(ways: Any, owners: Rows) -> Any:
        kept = np.isin(ways.owner, owners)
        return type(ways)(*(getattr(ways, name)[kept] for name in ways.__dataclass_fields__))

    return replace(walks, homes=alone(walks.homes, home), schools=alone(walks.schools, school)), home, school


@pytest.mark.parametrize("run", ["helsinki_run", "district_run"])
def test_real_and_sample_streets_give_networkx_costs(run: str, request: pytest.FixtureRequest) -> None:
    store = Store(request.getfixturevalue(run) / "data" / "processed")
    tables = route_tables(store)
    found = route_pupils(tables, *sided_values(store, tables, CATALOGUE), CATALOGUE)
    walks, home, school = some_pairs(found.walks, found, 12)
    assert_equals_networkx(walks, home, school)
    homes = tables.assignment.demand["demand_id"].iloc[np.unique(home)[:6]].tolist()
    assert assert_lines_fit(tables, found, routes_table(found, tables, CATALOGUE), homes) > 0
    scores = score_pieces(found.routed.pieces["safest"], found.walks)
    assert np.nanmax(scores.along) > 0


def test_the_town_gives_networkx_costs(town_run: Path) -> None:
    store = Store(town_run / "data" / "processed")
    tables = route_tables(store)
    found = route_pupils(tables, *sided_values(store, tables, CATALOGUE), CATALOGUE)
    mine = found.routed.tree >= 0
    assert mine.sum() > 10
    assert_equals_networkx(found.walks, found.home[mine], found.school[mine])
    homes = tables.assignment.demand["demand_id"].tolist()
    assert assert_lines_fit(tables, found, routes_table(found, tables, CATALOGUE), homes) > 10
