"""The graph with sides on random streets: again with plain loops, and what must hold."""

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

FEW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


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
