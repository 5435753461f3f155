"""Routes against hand-worked figures, networkx and plain loops; real and drawn streets against networkx."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from way_drawing import (
    CATALOGUE,
    SETTINGS,
    as_networkx,
    assert_lines_fit,
    draw_graph,
    join_ends,
    random_walks,
    score_ways,
)

from xiqing_space.safety.route_lines import way_of
from xiqing_space.safety.route_sums import score_pieces, sum_routes
from xiqing_space.safety.routes import Routed, SchoolWalks, choose_routes, walk_shortest
from xiqing_space.safety.school_routes import SchoolRoutes, route_pupils, routes_table
from xiqing_space.safety.way_values import TIES, price_of, ways_in
from xiqing_space.schemas.safety import RISKS, TREES
from xiqing_space.stages.route_pupils import route_tables, sided_values
from xiqing_space.store import Store

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
