"""Two carriageways, bridges and sidewalks drawn apart: what a way over them pays, by hand, in scenes as test_safety_sides.py draws."""

from __future__ import annotations

import numpy as np
import pytest
from street_scenes import Built, J, Scene


def pair(gap: float, island: bool) -> Scene:
    """Two carriageways at y = 6 (westbound) and y = -6, a zebra at x = 0 with a footway between, homes on both outer sides."""
    scene = Scene()
    for y, direction in ((6, -1), (-6, 1)):
        scene.road([(-200 * direction, y), (0, y), (200 * direction, y)], "secondary", lanes=3 if y > 0 else 2, speed=50.0,
                   pair_id="p", gap=gap)  # fmt: skip
        scene.zebra(0, y, crossing="marked", **({"crossing_island": "yes"} if island else {}))
    scene.foot([(0, 6), (0, -6)])
    scene.home("north", -100, 16)
    scene.home("south", -100, -16)
    scene.home("median", -50, -4)  # nearest to the southern carriageway, on its inner side
    return scene


@pytest.mark.parametrize(
    ("gap", "tagged", "island", "source"),
    [(1.5, False, False, "default"), (1.5, True, True, "tag"), (2.0, False, True, "tag"), (5.0, False, True, "tag")],
)
def test_two_carriageways_are_one_crossing(gap: float, tagged: bool, island: bool, source: str) -> None:
    scene = pair(gap, tagged)
    built = Built(scene)
    way = built.walk("north", "south")
    # 10 + 100 to the zebra, 12 over both, 100 back + 10; 3 of 5 lanes and 2 of 5
    assert way.length_m == pytest.approx(232, abs=0.05)
    assert way.paid == {scene.node(0, 6): pytest.approx(0.6), scene.node(0, -6): pytest.approx(0.4)}
    for y in (6, -6):
        row = built.crossing(scene.node(0, y))
        assert (row.lanes_crossed, row.width_m, row.pair_id) == (5, 17.5, "p")
        assert (row.island, row.island_from, row.control) == (island, source, "marked")
    scores = built.scores
    assert scores[scene.node(0, 6)]["cross"] == scores[scene.node(0, -6)]["cross"]


def test_nobody_walks_on_the_inner_side_of_a_carriageway() -> None:
    scene = pair(5, False)
    for one in (scene, scene.backwards(), scene.mirrored(), scene.backwards([101])):
        built = Built(one)
        graph = built.graph
        lanes = {}
        for row in np.flatnonzero(graph.edge >= 0):
            lanes.setdefault(graph.edge_id[graph.edge[row]], set()).add(int(graph.lane[row]))
        assert sorted(map(len, lanes.values())) == [1, 1, 1, 1, 1]  # two halves each, and the footway
        # a home snapped from the median joins the outer side free, and pays both halves to the other one
        assert built.walk("median", "south").crossed == 0
        assert built.walk("median", "north").crossed == 1
        assert not any(name.startswith("block") for name in built.crossings["crossing_id"])


def test_carriageways_that_part_like_a_v_face_each_other_too() -> None:
    scene = Scene()
    scene.road([(-100, 0), J], lanes=4)
    scene.road([J, (8, -6)], "secondary", lanes=2, pair_id="p", gap=5.0)
    scene.road([(8, 6), J], "secondary", lanes=2, pair_id="p", gap=5.0)
    graph = Built(scene).graph
    lanes = {
        (graph.edge_id[graph.edge[row]].split(":")[1], int(graph.lane[row])) for row in np.flatnonzero(graph.edge >= 0)
    }
    # the lower one is driven away from J: the other lies on its left; the upper one comes in: left of it too
    assert lanes == {("w101", 1), ("w101", 2), ("w102", 2), ("w103", 2)}
    assert graph.share.tolist() == [1.0 if "w101" in one else 0.5 for one in graph.crossing_id]


def test_footbridge_and_underpass() -> None:
    scene = Scene()
    scene.road([(-200, 0), (200, 0)], "primary", lanes=6, speed=60.0, name="大道")
    scene.foot([(50, 60), (50, 30)])
    scene.foot([(50, 30), (50, 20)], "steps")
    scene.foot([(50, 20), (50, -20)], bridge=True)
    scene.foot([(50, -20), (50, -30)], "steps")
    scene.foot([(50, -30), (50, -60)])
    scene.foot([(-50, 60), (-50, 20)])
    scene.foot([(-50, 20), (-50, -20)], tunnel=True)
    scene.foot([(-50, -20), (-50, -60)])
    for name, x, y in (("bn", 60, 50), ("bs", 60, -50), ("tn", -60, 50), ("ts", -60, -50)):
        scene.home(name, x, y)
    built = Built(scene)
    over, under = f"over/{scene.edge((50, 20), (50, -20))}", f"over/{scene.edge((-50, 20), (-50, -20))}"
    assert built.walk("bn", "bs").paid == {over: 1}
    assert built.walk("tn", "ts").paid == {under: 1}
    road = scene.edge((-200, 0), (200, 0))
    for name, step_free, x in ((over, False, 50), (under, True, -50)):
        row = built.crossing(name)
        assert (row.place, row.control, row.control_from, row.mapped) == ("over", "grade_separated", "tag", False)
        assert (row.road_edge_ids, row.road_name, row.lanes_crossed, row.arterial) == (road, "大道", 6, True)
        assert (row.step_free, row.share) == (step_free, 1)
        near = built.scene.tables()["streets"].set_index("edge_id").geometry[scene.edge((x, 20), (x, -20))]
        assert row.geometry.distance(near) < 2e-7
    pram = Built(scene, profile="pram")
    assert over.removeprefix("over/") in set(pram.graph.edge_id)
    assert pram.walk("tn", "ts").paid == {under: 1}


def test_a_footway_crosses_a_trunk_road_on_which_nobody_may_walk() -> None:
    scene = Scene()
    scene.road([(-200, 0), J, (200, 0)], "trunk", lanes=6, speed=80.0, walk=False)
    scene.foot([(0, 60), J, (0, -60)])
    scene.home("north", 10, 50)
    scene.home("south", 10, -50)
    built = Built(scene)
    way = built.walk("north", "south")
    assert way.crossed == 1
    row = built.crossing(next(iter(way.paid)))
    assert (row.road_highway, row.lanes_crossed, row.control) == ("trunk", 6, "none")
    assert all(graph_edge not in row.road_edge_ids for graph_edge in built.graph.edge_id)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_sidewalk_drawn_apart_pays_the_mouth_of_a_side_street_once(mapped: bool) -> None:
    """The sidewalk along y = 8 crosses the side street 8 m from the junction: the junction's crossing of that leg."""
    scene = Scene()
    scene.road([(-200, 0), J, (200, 0)], "secondary", lanes=4)
    scene.road([J, (0, 8), (0, 200)])
    scene.foot([(-200, 8), (0, 8), (200, 8)])
    if mapped:
        scene.zebra(0, 8, crossing="marked")
    scene.home("west", -100, 18)
    scene.home("east", 100, 18)
    scene.home("north", 10, 100)
    built = Built(scene)
    name = scene.node(0, 8) if mapped else scene.mouth(J, (0, 8))
    assert built.walk("west", "east").paid == {name: 1}
    assert built.walk("east", "north").paid == {}
    row = built.crossing(name)
    assert (row.place, row.legs, row.control) == ("junction", 3, "marked" if mapped else "none")
    if mapped:  # and it is the junction's crossing of that leg there too
        assert scene.mouth(J, (0, 8)) not in set(built.crossings["crossing_id"])
    # 30 m off it would be a crossing of its own
    far = Scene()
    far.road([(-200, 0), J, (200, 0)], "secondary", lanes=4)
    far.road([J, (0, 30), (0, 200)])
    far.foot([(-200, 30), (0, 30), (200, 30)])
    own = Built(far)
    assert far.mouth(J, (0, 30)) in set(own.crossings["crossing_id"])
    assert own.crossing(f"{far.node(0, 30)}/{min(far.edge(J, (0, 30)), far.edge((0, 30), (0, 200)))}").place == "block"


def styles() -> dict[str, Scene]:
    """A street of four lanes with a zebra at x = 0, drawn as one line, with sidewalks apart, as two carriageways."""
    road = {"lanes": 4, "speed": 50.0}
    line = Scene()
    line.road([(-200, 0), J, (200, 0)], "secondary", **road)
    line.zebra(0, 0, crossing="marked")
    apart = Scene()
    apart.road([(-200, 0), J, (200, 0)], "secondary", **road)
    apart.zebra(0, 0, crossing="marked")
    for y in (9, -9):
        apart.foot([(-200, y), (0, y), (200, y)])
    apart.foot([(0, 9), J, (0, -9)])
    two = Scene()
    for y, direction in ((4.5, -1), (-4.5, 1)):
        two.road(
            [(-200 * direction, y), (0, y), (200 * direction, y)],
            "secondary",
            lanes=2,
            speed=50.0,
            pair_id="p",
            gap=2.0,
        )
        two.zebra(0, y, crossing="marked")
    two.foot([(0, 4.5), (0, -4.5)])
    for scene in (line, apart, two):
        scene.home("home", -60, 19)
        scene.home("school", 40, -19)
    return {"line": line, "apart": apart, "two": two}


def test_three_ways_to_draw_a_street_cost_the_same_within_their_ranges() -> None:
    totals, low, high = {}, {}, {}
    for name, scene in styles().items():
        built = Built(scene)
        scores = built.scores
        way = built.walk("home", "school", lambda one, scores=scores: 10.0 * scores[one]["cross"])
        assert way.crossed == 1
        assert not any(one.startswith("block") for one in way.paid)
        totals[name], low[name], high[name] = (
            sum(part * scores[one][column] for one, part in way.paid.items())
            for column in ("cross", "low_cross", "high_cross")
        )
    # 2.374 × 0.667 (marked) × 4 lanes × S(50) × F(500) = 6.3338 × 1.459; with a gap of 2 m as island 0.333 in place of 0.667
    assert (
        totals["line"]
        == totals["apart"]
        == pytest.approx(2.374 * 0.667 * 4 * 4.868 / (1 + np.exp(0.1035 * 8.2)), abs=1e-3)
    )
    assert totals["two"] == pytest.approx(totals["line"] * 0.333 / 0.667, abs=1e-3)
    for one in totals.values():
        for name in totals:
            assert low[name] <= one <= high[name]
