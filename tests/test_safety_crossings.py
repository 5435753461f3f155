"""Crossings: what each is like, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from street_scenes import Built, J, Place, Scene


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
