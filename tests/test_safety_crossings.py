"""Crossings: what each is like, by hand; the graph with sides again with plain loops; and what must hold on random streets."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from street_scenes import CATALOGUE, FOOT, Built, Place, Scene

J = (0.0, 0.0)
FEW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def main_and_side(west: Place = (-15, 0), north: Place = (0, 15)) -> Scene:
    """A secondary street along y = 0 with a vertex west of the junction, a residential one to the north with a vertex."""
    scene = Scene()
    scene.road([(-200, 0), west, J, (200, 0)], "secondary", lanes=4, speed=50.0)
    scene.road([J, north, (0, 200)])
    scene.home("a", -100, 10)
    return scene


def control(built: Built, *identities: str) -> list[str]:
    return [built.crossing(one).control for one in identities]


def mouths(scene: Scene, west: Place = (-15, 0)) -> tuple[str, str, str]:
    return scene.mouth(J, west), scene.mouth(J, (200, 0)), scene.mouth(J, (0, 200))


def test_nothing_mapped_has_defaults_and_says_so() -> None:
    scene = main_and_side()
    built = Built(scene)
    west, east, north = mouths(scene)
    assert sorted(built.crossings["crossing_id"]) == sorted(
        [west, east, north, f"block/{scene.edge((-200, 0), (-15, 0))}"]
    )
    row = built.crossing(east)
    assert (row.place, row.mapped, row.legs, row.share, row.arterial) == ("junction", False, 3, 1, True)
    assert (row.lanes_crossed, row.width_m, row.speed_kmh, row.flow_per_lane) == (4, 14, 50, 500)
    assert (row.control, row.island, row.raised, row.step_free, row.guard) == ("none", False, False, True, False)
    sources = ["control_from", "island_from", "raised_from", "step_free_from", "guard_from", "lanes_crossed_from"]
    assert set(row[sources]) == {"default"}
    assert built.crossing(north).lanes_crossed == 2
    assert not built.crossing(north).arterial


@pytest.mark.parametrize(
    ("at", "tags", "expected"),
    [
        (J, {}, ["signals", "signals", "signals"]),
        ((-15, 0), {}, ["signals", "none", "none"]),
        (
            (-15, 0),
            {"traffic_signals__direction": "forward"},
            ["signals", "none", "none"],
        ),  # drawn towards the junction
        ((-15, 0), {"traffic_signals__direction": "backward"}, ["none", "none", "none"]),  # stops those who drive away
        ((0, 15), {"traffic_signals__direction": "backward"}, ["none", "none", "signals"]),
        ((0, 15), {"traffic_signals__direction": "forward"}, ["none", "none", "none"]),
    ],
)
def test_signals_at_a_junction_or_on_a_leg(at: Place, tags: dict[str, str], expected: list[str]) -> None:
    scene = main_and_side()
    scene.point("signal", *at, **tags)
    built = Built(scene)
    assert control(built, *mouths(scene)) == expected
    assert {built.crossing(one).control_from for one in mouths(scene) if built.crossing(one).control == "signals"} <= {
        "tag"
    }
    scene = main_and_side(west=(-30, 0), north=(0, 30))  # too far off
    if at != J:
        scene.point("signal", 2 * at[0], 2 * at[1], **tags)
        assert control(Built(scene), *mouths(scene, (-30, 0))) == ["none", "none", "none"]


def test_a_signal_beyond_a_node_of_two_legs_still_counts() -> None:
    scene = Scene()
    scene.road([(-200, 0), (-20, 0), (-10, 0)])
    scene.road([(-10, 0), J])  # another way from here on
    scene.road([J, (200, 0)])
    scene.road([J, (0, 200)])
    scene.point("signal", -20, 0)
    built = Built(scene)
    assert control(built, scene.mouth(J, (-10, 0)), scene.mouth(J, (0, 200))) == ["signals", "none"]


def test_a_zebra_on_the_leg_is_the_junctions_crossing() -> None:
    scene = main_and_side()
    scene.zebra(-15, 0, crossing="marked", crossing_island="yes", traffic_calming="table", kerb="lowered")
    built = Built(scene)
    west, east, _ = mouths(scene)
    assert west not in set(built.crossings["crossing_id"])
    row = built.crossing(scene.node(-15, 0))
    assert (row.place, row.mapped, row.legs, row.control, row.lanes_crossed) == ("junction", True, 3, "marked", 4)
    assert built.crossing(east).control == "none"
    graph = built.graph
    arcs = [graph.crossing_id[one] for one in graph.crossing[graph.edge < 0]]
    assert arcs.count(scene.node(-15, 0)) == 2  # at the mouth, and where it is drawn
    for at, place in (((-26, 0), "block"), ((-24, 0), "junction")):
        scene = main_and_side(west=at)
        scene.zebra(*at, crossing="marked")
        built = Built(scene)
        assert built.crossing(scene.node(*at)).place == place
        assert (scene.mouth(J, at) in set(built.crossings["crossing_id"])) == (place == "block")


def test_of_several_the_best_is_the_junctions() -> None:
    scene = Scene()
    scene.road([(-200, 0), (-20, 0), (-10, 0), J, (200, 0)])
    scene.road([J, (0, 200)])
    scene.zebra(-10, 0, crossing="unmarked")
    scene.zebra(-20, 0, crossing="marked")
    built = Built(scene)
    arcs = [built.graph.crossing_id[one] for one in built.graph.crossing[built.graph.edge < 0]]
    assert (arcs.count(scene.node(-20, 0)), arcs.count(scene.node(-10, 0))) == (2, 1)
    scene.point("signal", 0, 0)
    built = Built(scene)  # both are signalised now, and the nearest one is the junction's
    arcs = [built.graph.crossing_id[one] for one in built.graph.crossing[built.graph.edge < 0]]
    assert control(built, scene.node(-20, 0), scene.node(-10, 0)) == ["signals", "signals"]
    assert (arcs.count(scene.node(-20, 0)), arcs.count(scene.node(-10, 0))) == (1, 2)


def test_a_zebra_drawn_on_the_junction_is_the_larger_roads() -> None:
    scene = main_and_side()
    scene.zebra(*J, crossing="marked")
    built = Built(scene)
    assert control(built, *mouths(scene)) == ["marked", "marked", "none"]
    assert [built.crossing(one).control_from for one in mouths(scene)] == ["tag", "tag", "default"]
    assert built.crossing(scene.node(*J)).place == "junction"
    scene.zebras[J] = {"crossing": "traffic_signals"}
    assert control(Built(scene), *mouths(scene)) == ["signals"] * 3


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, ("none", "default", False, "default", False, "default", True, "default")),
        ({"crossing": "unmarked"}, ("none", "tag", False, "default", False, "default", True, "default")),
        ({"crossing": "zebra"}, ("marked", "tag", False, "default", False, "default", True, "default")),
        ({"crossing_markings": "zebra"}, ("marked", "tag", False, "default", False, "default", True, "default")),
        ({"crossing_markings": "no"}, ("none", "tag", False, "default", False, "default", True, "default")),
        ({"crossing_island": "yes"}, ("none", "default", True, "tag", False, "default", True, "default")),
        ({"crossing_island": "no"}, ("none", "default", False, "tag", False, "default", True, "default")),
        ({"crossing": "island"}, ("none", "default", True, "tag", False, "default", True, "default")),
        ({"traffic_calming": "table"}, ("none", "default", False, "default", True, "tag", True, "default")),
        ({"traffic_calming": "hump"}, ("none", "default", False, "default", False, "default", True, "default")),
        ({"kerb": "raised"}, ("none", "default", False, "default", False, "default", False, "tag")),
        ({"kerb": "lowered"}, ("none", "default", False, "default", False, "default", True, "tag")),
        ({"tactile_paving": "yes"}, ("none", "default", False, "default", False, "default", True, "default")),
    ],
)
def test_tags_of_a_zebra_between_junctions(tags: dict[str, str], expected: tuple[Any, ...]) -> None:
    scene = Scene()
    scene.road([(-200, 0), J, (200, 0)], "tertiary", lanes=3)
    scene.zebras[J] = {key.replace("crossing_", "crossing:"): value for key, value in tags.items()}
    row = Built(scene, finished=False).crossing(scene.node(*J))
    names = ["control", "island", "raised", "step_free"]
    assert tuple(row[column] for name in names for column in (name, f"{name}_from")) == expected
    assert (row.place, row.legs, row.lanes_crossed, row.guard) == ("block", 2, 3, False)


def test_a_refuge_drawn_as_a_point() -> None:
    scene = main_and_side()
    scene.point("refuge", -15, 0)
    built = Built(scene)
    west, east, _ = mouths(scene)
    assert (built.crossing(west).island, built.crossing(west).island_from) == (True, "tag")
    assert (built.crossing(east).island, built.crossing(east).island_from) == (False, "default")


def test_the_larger_of_two_legs_gives_its_attributes() -> None:
    scene = Scene()
    scene.road([(-200, 0), J], "tertiary", lanes=2, speed=30.0, name="small")
    scene.road([J, (200, 0)], "secondary", lanes=6, speed=60.0, name="large")
    scene.zebra(*J, crossing="marked")
    row = Built(scene).crossing(scene.node(*J))
    assert (row.road_highway, row.lanes_crossed, row.speed_kmh, row.road_name) == ("secondary", 6, 60, "large")
    assert row.road_edge_ids == f"{scene.edge((-200, 0), J)}|{scene.edge(J, (200, 0))}"


def test_the_survey_counts_before_tags() -> None:
    scene = main_and_side()
    scene.zebra(-15, 0, crossing="marked")
    zebra, (_, east, north) = scene.node(-15, 0), mouths(scene)
    scene.survey = [
        (zebra, "control", "signals"), (zebra, "guard", "true"), (zebra, "lanes_crossed", "6"), (east, "island", "yes"),
        (east, "width_m", "17.5"), (north, "lit", "false"), (north, "speed_kmh", "20"), ("osm:n999", "control", "marked"),
    ]  # fmt: skip
    built = Built(scene)
    row = built.crossing(zebra)
    assert (row.control, row.control_from, row.guard, row.guard_from) == ("signals", "survey", True, "survey")
    assert (row.lanes_crossed, row.lanes_crossed_from, row.island_from) == (6, "survey", "default")
    row = built.crossing(east)
    assert (row.island, row.island_from, row.width_m, row.width_m_from, row.control_from) == (
        True,
        "survey",
        17.5,
        "survey",
        "default",
    )
    row = built.crossing(north)
    assert (row.lit, row.lit_from, row.speed_kmh, row.speed_kmh_from) == (False, "survey", 20, "survey")
    assert "osm:n999" not in set(built.crossings["crossing_id"])


def test_only_crossings_of_roads_are_listed_and_blocks_only_at_doors() -> None:
    scene = Scene()
    scene.foot([(-100, 50), (0, 50), (100, 50)])
    scene.zebra(0, 50, crossing="marked")  # of footways alone: no motor traffic
    scene.road([(-100, 0), J, (100, 0)])
    scene.road([J, (0, -100)], "motorway", walk=False)
    scene.road([(0, -100), (100, -100)], "motorway", walk=False)  # nobody walks at its end
    scene.road([(0, -100), (-100, -100)], "motorway", walk=False)
    scene.home("a", 50, 5)
    found = set(Built(scene).crossings["crossing_id"])
    block = f"block/{scene.edge(J, (100, 0))}"
    assert found == {scene.mouth(J, (-100, 0)), scene.mouth(J, (100, 0)), scene.mouth(J, (0, -100)), block}


def test_one_bridge_over_both_carriageways_is_a_whole_crossing_and_one_over_each_is_two_halves() -> None:
    def scene_of(*decks: tuple[Place, Place]) -> Scene:
        scene = Scene()
        for y, direction in ((10, -1), (-10, 1)):
            scene.road([(-200 * direction, y), (200 * direction, y)], "primary", lanes=3, pair_id="p", gap=9.5)
        for deck in decks:
            scene.foot(deck, bridge=True)
        scene.foot([(0, 30), (0, 60)])
        scene.foot([(0, -30), (0, -60)])
        scene.home("n", 5, 50)
        scene.home("s", 5, -50)
        return scene

    whole = scene_of(((0, 30), (0, -30)))
    built = Built(whole)
    assert built.walk("n", "s").paid == {f"over/{whole.edge((0, 30), (0, -30))}": 1}
    assert built.crossing(f"over/{whole.edge((0, 30), (0, -30))}").lanes_crossed == 6
    assert built.walk("n", "s").crossed == Built(scene_of(((0, 30), J), (J, (0, -30)))).walk("n", "s").crossed == 1


# --- the same with plain loops


def random_scene(seed: int) -> Scene:
    """A warped grid of streets of several classes, footways, zebras, signals and homes."""
    draw = np.random.default_rng(seed)
    scene = Scene()
    at = {(column, row): (round(100.0 * column + draw.uniform(-18, 18), 1), round(100.0 * row + draw.uniform(-18, 18), 1))
          for column in range(3) for row in range(3)}  # fmt: skip
    corners: list[Place] = []
    for (column, row), place in at.items():
        for other in ((column + 1, row), (column, row + 1)):
            if other not in at or draw.random() < 0.15:
                continue
            kind = draw.choice(["residential", "residential", "service", "secondary", "trunk", "footway"])
            middle = []
            if draw.random() < 0.7:
                share = draw.uniform(0.1, 0.9)
                bend = draw.uniform(-6, 6, 2)
                middle = [
                    tuple(
                        round(float(a + share * (b - a) + c), 1) for a, b, c in zip(place, at[other], bend, strict=True)
                    )
                ]
                corners += middle
            line = [place, *middle, at[other]]
            roads = (
                {}
                if kind == "footway"
                else {"lanes": int(draw.integers(1, 5)), "walk": kind != "trunk" or draw.random() < 0.5}
            )
            scene.road(line if draw.random() < 0.5 else line[::-1], str(kind), **roads)
            if middle and kind != "footway" and draw.random() < 0.4:
                scene.zebra(*middle[0], crossing=str(draw.choice(["marked", "unmarked", "traffic_signals", "?"])))
    for number in range(len(corners) // 4):
        a, b = corners[number], corners[-1 - number]
        if math.dist(a, b) > 20:
            scene.foot([a, b])
    used = sorted({place for line, _ in scene.ways.values() for place in line})
    for place in used:
        if draw.random() < 0.1:
            scene.point("signal", *place)
    for number in range(5):
        a = used[int(draw.integers(len(used)))]
        scene.home(f"h{number}", *(round(float(one), 1) for one in np.add(a, draw.uniform(-40, 40, 2))))
    return scene


class Plain:
    """Corners, legs and crossings of a scene with loops over nodes."""

    def __init__(self, scene: Scene, built: Built) -> None:
        self.scene, self.edges = scene, {name: (line, tags) for name, line, tags in scene.edges()}
        self.legs: dict[str, list[tuple[float, str, int]]] = {}
        self.feet: set[str] = set()
        self.walked: set[str] = set()
        for name, (line, tags) in self.edges.items():
            for end, points in enumerate((line, line[::-1])):
                node = scene.node(*points[0])
                self.legs.setdefault(node, [])
                if tags["highway"] not in FOOT:
                    self.legs[node].append((self.bearing(points), name, end))
                elif tags.get("walk", True):
                    self.feet.add(node)
                if tags.get("walk", True):
                    self.walked.add(node)
        for legs in self.legs.values():
            legs.sort()
        self.zebras = {scene.node(*place) for place in scene.zebras if self.legs.get(scene.node(*place))}
        factors = CATALOGUE.safety["factors"]["facility"]
        self.factor = {one: factors[built.crossing(one).control] for one in self.zebras}

    @staticmethod
    def bearing(points: list[Place]) -> float:
        left = 5.0
        for a, b in itertools.pairwise(points):
            step = math.dist(a, b)
            if step >= left or b == points[-1]:
                share = min(left / step, 1.0)
                x, y = (p + share * (q - p) - start for p, q, start in zip(a, b, points[0], strict=True))
                return (math.atan2(y, x) + 0.1) % (2 * math.pi)  # a leg drawn due east comes first
            left -= step
        raise AssertionError

    def length(self, name: str) -> float:
        line = self.edges[name][0]
        return sum(math.dist(a, b) for a, b in itertools.pairwise(line))

    def corner(self, node: str, name: str, end: int, *, left: bool) -> int:
        """Corner on a side of an end, looking away from the node."""
        legs = self.legs[node]
        if len(legs) < 2:
            return 0
        line = self.edges[name][0]
        if self.edges[name][1]["highway"] in FOOT:
            mine = self.bearing(line if end == 0 else line[::-1])
            return max((place for place, leg in enumerate(legs) if leg[0] <= mine), default=len(legs) - 1)
        place = next(place for place, leg in enumerate(legs) if leg[1:] == (name, end))
        return place if left else (place - 1) % len(legs)

    def along(self, node: str, name: str, end: int) -> list[tuple[float, str]]:
        """Nodes of two legs within 25 m along a leg."""
        found, walked = [], 0.0
        while True:
            walked += self.length(name)
            line = self.edges[name][0]
            node = self.scene.node(*(line[-1] if end == 0 else line[0]))
            if walked > 25 or len(self.legs[node]) != 2:
                return found
            found.append((walked, node))
            _, name, end = next(leg for leg in self.legs[node] if leg[1:] != (name, 1 - end))

    def of_leg(self, node: str, name: str, end: int) -> str:
        near = [(self.factor[one], metres, one) for metres, one in self.along(node, name, end) if one in self.zebras]
        return min(near)[2] if near else f"{node}/{name}"

    def at_two(self, node: str) -> str:
        if node in self.zebras:
            return node
        junctions = [
            (metres, self.of_leg(other, name, end))
            for other, legs in self.legs.items() if len(legs) > 2
            for _, name, end in legs
            for metres, one in self.along(other, name, end) if one == node
        ]  # fmt: skip
        if junctions:
            return min(junctions)[1]
        order = CATALOGUE.safety["roads"]["order"]

        def size(name: str) -> Any:
            tags = self.edges[name][1]
            return order.index(tags["highway"]), -tags["lanes"], name

        return f"{node}/{min((name for _, name, _ in self.legs[node]), key=size)}"

    def arcs(self) -> set[Any]:
        found: set[Any] = set()
        used: set[str] = set()
        for name, (line, tags) in self.edges.items():
            if not tags.get("walk", True):
                continue
            u, v = self.scene.node(*line[0]), self.scene.node(*line[-1])
            used |= {u, v}
            for lane in (0,) if tags["highway"] in FOOT else (1, 2):
                # looking away from v, the left side is on the right
                a, b = self.corner(u, name, 0, left=lane == 1), self.corner(v, name, 1, left=lane != 1)
                found.add(((u, a), (v, b), name, lane, ""))
        for node in used:
            legs = self.legs[node]
            if len(legs) > 2:
                for place, (_, name, end) in enumerate(legs):
                    a, b = sorted([(node, (place - 1) % len(legs)), (node, place)])
                    found.add((a, b, "", 0, self.of_leg(node, name, end)))
            elif len(legs) == 2 and (node in self.zebras or node in self.feet):
                found.add(((node, 0), (node, 1), "", 0, self.at_two(node)))
        return found


def arcs_of(built: Built) -> set[Any]:
    graph, found = built.graph, set()
    for row in range(len(graph.tail)):
        a, b = ((str(graph.node_id[end]), int(graph.corner[end])) for end in (graph.tail[row], graph.head[row]))
        if graph.edge[row] < 0:
            a, b = sorted([a, b])
        found.add((a, b, str(graph.edge_id[graph.edge[row]]) if graph.edge[row] >= 0 else "", int(graph.lane[row]),
                   str(graph.crossing_id[graph.crossing[row]]) if graph.crossing[row] >= 0 else ""))  # fmt: skip
    return found


@pytest.mark.parametrize("seed", range(10))
def test_plain_loops_find_the_same_corners_arcs_and_crossings(seed: int) -> None:
    scene = random_scene(seed)
    built = Built(scene, finished=seed == 0)
    plain = Plain(scene, built)
    assert arcs_of(built) == plain.arcs()
    # nothing is listed that nobody meets, but mapped crossings and blocks
    met = {one[4] for one in plain.arcs() if one[4]} | plain.zebras
    met |= {one for one in built.crossings["crossing_id"] if one.startswith("block/")}
    assert set(built.crossings["crossing_id"]) == met
    linked = set(built.links["edge_id"])
    roads = {name for name, (_, tags) in plain.edges.items() if tags["highway"] not in FOOT}
    assert {one for one in met if one.startswith("block/")} == {f"block/{name}" for name in linked & roads}


# --- what must hold


def costs(built: Built) -> dict[tuple[str, str], float]:
    """Price of the cheapest way between every two homes; infinite where there is none."""
    import networkx as nx

    scores = built.scores
    net = built._network(lambda one: 10.0 * scores[one]["cross"])
    names = built.links["owner_id"].tolist()
    found = {}
    for row, name in enumerate(names):
        far = nx.single_source_dijkstra_path_length(net, ("home", row), weight="weight") if ("home", row) in net else {}
        found |= {(name, other): far.get(("home", at), math.inf) for at, other in enumerate(names) if at > row}
    return found


@FEW
@given(st.integers(0, 10_000))
def test_row_order_changes_nothing(seed: int) -> None:
    scene = random_scene(seed)
    first, again = Built(scene, finished=False), Built(scene, shuffled=seed, finished=False)
    pd.testing.assert_frame_equal(first.crossings, again.crossings, check_dtype=False)
    for name in first.graph.__dataclass_fields__:
        assert np.array_equal(getattr(first.graph, name), getattr(again.graph, name)), name


@FEW
@given(st.integers(0, 10_000))
def test_the_way_a_line_is_drawn_changes_no_cost(seed: int) -> None:
    scene = random_scene(seed)
    before = costs(Built(scene, finished=False))
    some = [number for number in scene.ways if (number + seed) % 2]
    assert costs(Built(scene.backwards(some), finished=False)) == pytest.approx(before, abs=0.1)


@FEW
@given(st.integers(0, 10_000))
def test_a_mirror_swaps_the_sides_and_changes_no_cost(seed: int) -> None:
    scene = random_scene(seed)
    built, other = Built(scene, finished=False), Built(scene.mirrored(), finished=False)
    swap = {"left": "right", "right": "left"}
    assert [swap.get(one, one) for one in built.links["side"]] == other.links["side"].tolist()
    assert costs(other) == pytest.approx(costs(built), abs=0.1)


@FEW
@given(st.integers(0, 10_000), st.sampled_from(["marked", "traffic_signals"]))
def test_a_mapped_crossing_more_raises_no_cost(seed: int, kind: str) -> None:
    scene = random_scene(seed)
    before = costs(Built(scene, finished=False))
    inner = [line[1] for line, tags in scene.ways.values() if len(line) == 3 and tags["highway"] not in FOOT]
    free = sorted(place for place in inner if place not in scene.zebras)
    if not free:
        return
    scene.zebra(*free[seed % len(free)], crossing=kind)
    after = costs(Built(scene, finished=False))
    assert all(after[pair] <= before[pair] + 0.1 for pair in before)


@FEW
@given(st.integers(0, 10_000))
def test_a_signal_more_raises_no_cost(seed: int) -> None:
    scene = random_scene(seed)
    before = costs(Built(scene, finished=False))
    free = sorted({place for line, _ in scene.ways.values() for place in line} - set(scene.points))
    scene.point("signal", *free[seed % len(free)])
    after = costs(Built(scene, finished=False))
    assert all(after[pair] <= before[pair] + 0.1 for pair in before)
