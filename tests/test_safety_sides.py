"""Sides of streets and changes of side: drawn scenes with the answer worked out by hand beside each.

Every scene is drawn in metres. Homes lie 10 m beside their street, so a leg is 10 m long. Where no price is given a whole crossing
costs 90 m: less than to walk round the end of a street, where its sides join, and more than any other way round here.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pandas as pd
import pytest
from street_scenes import CATALOGUE, EPSG, Built, J, Scene

from xiqing_space.errors import TableError
from xiqing_space.safety.ends import attach_links
from xiqing_space.safety.sides import build_sided_graph


@cache
def built_t_junction() -> Built:
    return Built(t_junction())


def t_junction() -> Scene:
    """A main street along y = 0, a side street going north at x = 0. a b north of the main one, c f south, e d at the side street."""
    scene = Scene()
    scene.road([(-200, 0), J, (200, 0)], "tertiary")
    scene.road([J, (0, 200)])
    for name, x, y in (
        ("a", -100, 10),
        ("b", 100, 10),
        ("c", -100, -10),
        ("f", 100, -10),
        ("e", -10, 100),
        ("d", 10, 100),
    ):
        scene.home(name, x, y)
    return scene


@pytest.mark.parametrize(
    ("start", "goal", "whole", "metres"),
    [
        ("a", "b", 1, 220),  # over the side street's mouth: 10 + 100 + 100 + 10
        ("c", "f", 0, 220),  # past it on the other side
        ("a", "e", 0, 220),  # round the corner
        ("a", "d", 1, 220),  # over the mouth, then up
        ("c", "e", 1, 220),  # over the main street's west leg, or before the door
        ("c", "b", 1, 220),  # along the south, and over the east leg: not the side street too
        ("a", "c", 1, 20),  # before the door
        ("e", "d", 1, 20),
    ],
)
def test_t_junction(start: str, goal: str, whole: float, metres: float) -> None:
    built = built_t_junction()
    for way in (built.walk(start, goal), built.walk(goal, start)):
        assert (way.crossed, way.length_m) == (whole, pytest.approx(metres, abs=0.05))


def test_t_junction_has_three_corners_and_a_crossing_of_each_leg() -> None:
    scene = t_junction()
    built = Built(scene)
    graph = built.graph
    assert graph.corner[graph.node_id == scene.node(*J)].tolist() == [0, 1, 2]
    # legs from east against the clock: east, north, west; corner i comes after leg i
    mouths = {scene.mouth(J, (200, 0)): {2, 0}, scene.mouth(J, (0, 200)): {0, 1}, scene.mouth(J, (-200, 0)): {1, 2}}
    for row in np.flatnonzero(graph.edge < 0):
        ends = {int(graph.corner[end]) for end in (graph.tail[row], graph.head[row])}
        assert mouths.pop(graph.crossing_id[graph.crossing[row]]) == ends
    assert not mouths
    # each edge drawn from the junction: its left side begins at the corner after its leg; (-200, 0)-J ends there
    at = {(graph.edge_id[graph.edge[row]], int(graph.lane[row])): row for row in np.flatnonzero(graph.edge >= 0)}
    north, west = scene.edge(J, (0, 200)), scene.edge((-200, 0), J)
    assert [graph.corner[graph.tail[at[north, lane]]] for lane in (1, 2)] == [1, 0]
    assert [graph.corner[graph.head[at[west, lane]]] for lane in (1, 2)] == [1, 2]
    # a street's end is one node, where its sides join
    assert graph.corner[graph.node_id == scene.node(0, 200)].tolist() == [0]


def test_four_ways() -> None:
    scene = Scene()
    for x, y in ((200, 0), (0, 200), (-200, 0), (0, -200)):
        scene.road([J, (x, y)])
    for name, x, y in (
        ("ne", 100, 10),
        ("nw", -100, 10),
        ("sw", -100, -10),
        ("se", 100, -10),
        ("n", 10, 100),
        ("s", -10, -100),
    ):
        scene.home(name, x, y)
    built = Built(scene)
    assert built.walk("ne", "n").crossed == 0  # round the corner
    assert built.walk("sw", "s").crossed == 0
    assert built.walk("ne", "nw").crossed == 1  # over the north leg
    assert built.walk("ne", "sw").crossed == 2  # to the corner over there
    assert built.walk("n", "s").crossed == 2
    assert {built.crossing(one).legs for one in built.crossings["crossing_id"] if one.startswith("osm")} == {4}


def two_side_streets(second: float) -> Scene:
    """A main street, side streets at x = 0 to the north and at x = 100 to `second`; a home on the first, a school on the other."""
    scene = Scene()
    scene.road([(-200, 0), J, (100, 0), (300, 0)], "secondary", lanes=4)
    scene.road([J, (0, 200)])
    scene.road([(100, 0), (100, second)])
    scene.home("home", 10, 100)  # on the side that faces the other street
    scene.home("school", 90, second / 2)
    return scene


def test_side_streets_of_the_same_side_pay_nothing_and_across_pay_one() -> None:
    same = Built(two_side_streets(200)).walk("home", "school")
    assert (same.crossed, same.length_m) == (0, pytest.approx(10 + 100 + 100 + 100 + 10, abs=0.05))
    scene = two_side_streets(-200)
    across = Built(scene).walk("home", "school")
    assert across.crossed == 1
    main = {scene.mouth(J, (100, 0)), scene.mouth((100, 0), J)}
    assert set(across.paid) <= main  # over the main street, at either of its junctions


def test_turning_into_the_main_street_costs_its_crossing_on_the_far_side_only() -> None:
    scene = two_side_streets(-200)
    scene.home("near", 50, 10)
    scene.home("far", 50, -10)
    built = Built(scene)
    assert built.walk("home", "near").crossed == 0
    assert built.walk("home", "far").crossed == 1


def test_a_dead_end_joins_its_sides_and_a_bend_keeps_them() -> None:
    scene = Scene()
    scene.road([(0, 0), (100, 0)])
    scene.road([(100, 0), (150, 0), (150, 80)])  # another way: a node of two legs, and a bend to the left
    scene.home("left", 50, 10)
    scene.home("right", 50, -10)
    scene.home("inner", 140, 60)
    scene.home("outer", 160, 60)
    built = Built(scene)
    round_the_end = built.walk("left", "right", lambda _: 101.0)
    assert round_the_end.paid == {}  # 50 m to the end and 50 m back are cheaper than to cross
    assert round_the_end.length_m == pytest.approx(120, abs=0.05)
    cheap = built.walk("left", "right", lambda _: 99.0)
    assert cheap.paid == {f"block/{scene.edge((0, 0), (100, 0))}": 1}  # 99 m are less than 100 m more to walk
    assert built.walk("left", "inner").crossed == 0
    assert built.walk("right", "outer").crossed == 0
    assert built.walk("left", "outer", lambda _: 10.0).crossed == 1
    assert built.graph.corner[built.graph.node_id == scene.node(100, 0)].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("start", "goal", "whole"),
    [("left", "left2", 0), ("left", "right2", 1), ("left", "middle", 0.5), ("right", "middle", 0.5), ("right", "left2", 1),
     ("middle", "middle2", 1), ("middle", "left", 0.5)],
)  # fmt: skip
@pytest.mark.parametrize("cut", [(), (60,), (60, 90)])
def test_ends_on_one_street(start: str, goal: str, whole: float, cut: tuple[float, ...]) -> None:
    assert built_street(cut).walk(start, goal).crossed == whole


@cache
def built_street(cut: tuple[float, ...]) -> Built:
    """Home and school on one edge, on neighbouring ones, on edges joined by nodes of two legs; the side left, right, unknown.

    The sides are kept from end to end: a loop of streets beyond both ends keeps these from joining.
    """
    scene = Scene()
    places = [(0, 0), *((x, 3) for x in cut), (150, 0)]
    for a, b in itertools.pairwise(places):
        scene.road([a, b])
    for x in (0, 150):
        scene.road([(x, -300), (x, 0), (x, 300)])
    built_homes = {"left": (30, 14), "right": (31, -9), "left2": (110, 13), "right2": (111, -9)}
    for name, (x, y) in built_homes.items():
        scene.home(name, x, y)
    line = {place[0]: place[1] for place in places}
    ys = np.interp([20, 120], list(line), list(line.values()))
    scene.home("middle", 20, float(ys[0]))
    scene.home("middle2", 120, float(ys[1]))
    built = Built(scene)
    sides = dict(zip(built.links["owner_id"], built.links["side"].astype(object), strict=True))
    assert sides["left"] == "left"
    assert sides["right2"] == "right"
    assert pd.isna(sides["middle"])
    assert pd.isna(sides["middle2"])
    return built


def test_roundabout() -> None:
    """A ring of one-way street with three arms: from arm to arm along the outside one pays the arms that lie between."""
    scene = Scene()
    ring = [(30, 0), (0, 30), (-30, 0), (0, -30)]
    scene.road([*ring, ring[0]], oneway=True)
    scene.road([(30, 0), (200, 0)])
    scene.road([(0, 30), (0, 200)])
    scene.road([(-30, 0), (-200, 0)])
    scene.home("east", 100, 10)  # north of its arm
    scene.home("north", 10, 100)  # east of its arm
    scene.home("west", -100, 10)  # north of its arm
    built = Built(scene)
    assert built.walk("east", "north").crossed == 0
    assert built.walk("east", "west").crossed == 1  # past the north arm
    assert set(built.walk("east", "west").paid) == {scene.mouth((0, 30), (0, 200))}
    assert built.graph.corner[built.graph.node_id == scene.node(0, -30)].tolist() == []  # a vertex, no node


def test_loop_and_parallel_edges() -> None:
    scene = Scene()
    scene.road([(-200, 0), J])
    scene.road([J, (80, 40), (80, -40), J])  # a loop: both its ends are legs of the junction
    scene.road([J, (0, 200)])
    scene.road([J, (60, 100), (0, 200)])  # and a street beside it, to the same node
    scene.home("inside", 60, 0)
    scene.home("outside", 90, 0)
    scene.home("between", 10, 100)
    built = Built(scene)
    loop = scene.edge((80, 40), (80, -40))
    graph = built.graph
    assert graph.corner[graph.node_id == scene.node(*J)].tolist() == [0, 1, 2, 3, 4]
    arcs = [row for row in np.flatnonzero(graph.edge >= 0) if graph.edge_id[graph.edge[row]] == loop]
    assert len(arcs) == 2
    assert len({(graph.tail[row], graph.head[row]) for row in arcs}) == 2
    # both mouths of the loop are one crossing, which its inner side is reached by
    assert sum(graph.crossing_id[one] == f"{scene.node(*J)}/{loop}" for one in graph.crossing[graph.edge < 0]) == 2
    assert built.walk("inside", "outside").crossed == 1
    # between the two streets: their other end joins the sides of neither, for two legs meet there
    assert built.walk("between", "outside").crossed == 1


def test_a_node_of_two_legs_keeps_the_sides_apart_unless_a_footway_meets_it() -> None:
    scene = Scene()
    scene.road([(-200, 0), J, (200, 0)])
    scene.foot([J, (0, 100)])
    scene.home("path", 10, 80)
    scene.home("north", -100, 10)
    scene.home("south", -100, -10)
    built = Built(scene)
    assert built.walk("path", "north").crossed == 0  # the path leads into the northern side
    way = built.walk("path", "south", lambda one: 20.0 if one.startswith("block") else 10.0)
    (name,) = way.paid
    assert name in {scene.mouth(J, (-200, 0)), scene.mouth(J, (200, 0))}
    row = built.crossing(name)
    assert (row.place, row.control, row.control_from, row.legs) == ("block", "none", "default", 2)
    assert row.road_edge_ids == "|".join(sorted([scene.edge(J, (-200, 0)), scene.edge(J, (200, 0))]))


def test_links_pay_by_side() -> None:
    scene = t_junction()
    scene.home("on", 50, 0)
    built = Built(scene)
    ends, links, graph = built.ends, built.links, built.graph
    found = {}
    for row in range(len(ends.link)):
        owner, arc = links["owner_id"].iloc[ends.link[row]], ends.arc[row]
        crossing = graph.crossing_id[ends.crossing[row]] if ends.crossing[row] >= 0 else None
        found.setdefault(owner, []).append((int(graph.lane[arc]), float(ends.part[row]), crossing))
        assert graph.edge_id[graph.edge[arc]] == links["edge_id"].iloc[ends.link[row]]
        assert ends.leg_m[row] == links["leg_m"].iloc[ends.link[row]]
    west, east = f"block/{scene.edge((-200, 0), J)}", f"block/{scene.edge(J, (200, 0))}"
    assert found["a"] == [(1, 0.0, None), (2, 1.0, west)]
    assert found["c"] == [(1, 1.0, west), (2, 0.0, None)]
    assert found["on"] == [(1, 0.5, east), (2, 0.5, east)]


def test_links_on_footways_have_one_way_in_and_others_none() -> None:
    scene = Scene()
    scene.road([J, (100, 0)])
    scene.foot([J, (0, 100)])
    scene.home("path", 5, 50)
    built = Built(scene)
    assert built.graph.lane[built.ends.arc].tolist() == [0]
    lost = built.links.assign(edge_id="elsewhere")
    assert len(attach_links(lost, built.graph).link) == 0
    assert len(attach_links(built.links.assign(linked=False), built.graph).link) == 0
    road = built.links.assign(edge_id=scene.edge(J, (100, 0)), side="left")
    with pytest.raises(TableError, match="doors"):  # crossings were found for other links
        attach_links(road, built.graph)


def test_tables_of_other_streets_are_refused() -> None:
    scene = t_junction()
    built, tables = Built(scene), scene.tables()
    with pytest.raises(TableError):
        build_sided_graph(built.streets, built.crossings.iloc[:0], tables["street_attributes"], "walk", CATALOGUE, EPSG)
    with pytest.raises(TableError):
        build_sided_graph(built.streets, built.crossings, tables["street_attributes"].iloc[1:], "walk", CATALOGUE, EPSG)


def test_nothing_at_all() -> None:
    scene = t_junction()
    tables = scene.tables()
    built = Built(Scene(ways={1: ([(0.0, 0.0), (1.0, 0.0)], {"highway": "raceway", "walk": False})},
                        numbers={(0.0, 0.0): 1, (1.0, 0.0): 2}))  # fmt: skip
    assert len(built.graph.tail) == len(built.crossings) == 0
    assert len(tables["streets"]) == 3
