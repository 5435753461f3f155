"""School gates: guards, water and premises, whose gate it is, what may not be said, and the catalogue of rules."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely
from gate_scenes import CATALOGUE, EPSG, Scene, line, point, said
from helpers import box, degrees
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx import Graph, single_source_dijkstra_path_length

from xiqing_space.catalog.gate_rules import load_gate_rules, read_gate_rules
from xiqing_space.errors import CatalogueError
from xiqing_space.ingest.compounds import gate_nodes
from xiqing_space.ingest.osm import Features
from xiqing_space.safety.gate_places import Places, Roads
from xiqing_space.safety.surroundings import nearest_things, things_near

ALWAYS = frozenset(rule.id for rule in CATALOGUE.gate_rules.values())


# --- guards, water, premises, what was seen on site


def test_a_guard_is_known_from_lists_alone() -> None:
    scene = Scene()
    scene.crossing("c0", 0)
    assert said(scene.row("guard_50m")) == ("unknown", None, None, "no_list")
    scene.crossings[0] |= {"guard": True, "guard_from": "survey"}
    assert said(scene.row("guard_50m")) == ("meets", 1.0, "survey", None)
    scene.links[0]["offset_m"] = 51.0
    assert said(scene.row("guard_50m"))[::3] == ("unknown", "no_list")
    scene.said("g1", "gate", "guard", "no")
    assert said(scene.row("guard_50m")) == ("below_recommended", 0.0, "survey", None)
    assert not CATALOGUE.gate_rules["guard_50m"].public
    scene.survey[-1]["value"] = "yes"
    assert said(scene.row("guard_50m"))[:2] == ("meets", 1.0)


def test_open_water_beside_the_way() -> None:
    scene = Scene()
    assert said(scene.row("open_water")) == ("no_data", None, None, "no_barriers_read")
    # the canal crosses the street at x = 150 and runs along it, 8 m off, from there on: beside it from x = 140 on
    canal = {
        "barrier_id": "w",
        "barrier": "water",
        "bridge": False,
        "geometry": shapely.MultiLineString([line((150, -300), (150, 8), (400, 8))]),
    }
    scene.barriers.append(canal)
    row = scene.row("open_water")
    assert said(row)[::2] == ("unknown", "geometry")
    assert row["reason"] == "reference_proposal"
    assert row["measured"] == pytest.approx(110.0, abs=5.0)
    scene.links[0]["edge_id"] = "e-100"  # 210 m
    assert said(scene.row("open_water")) == ("unknown", None, "geometry", "none_found")
    # from a bridge nobody falls in
    scene.links[0]["edge_id"] = "e0"
    scene.edges["e100"]["bridge"] = True
    assert said(scene.row("open_water"))[1] is None


def test_premises_are_counted_and_never_judged() -> None:
    scene = Scene()
    assert said(scene.row("internet_cafes_200m")) == ("no_data", None, None, "none_mapped_or_listed")
    scene.things += [
        {"thing_id": "a", "what": "internet_cafe", "geometry": point(-100, 20)},  # 130 along the street and 20 from it
        {"thing_id": "b", "what": "internet_cafe", "geometry": point(210, -19)},  # 180 + 19 = 199
        {"thing_id": "c", "what": "internet_cafe", "geometry": point(210, -21)},  # 201
        {"thing_id": "d", "what": "internet_cafe", "geometry": point(100, 130)},  # farther than 100 m from every street
        {"thing_id": "e", "what": "bar", "geometry": point(40, 10)},
    ]
    assert said(scene.row("internet_cafes_200m")) == ("unknown", 2.0, "geometry", "to_verify")
    assert said(scene.row("premises_200m"))[1] == 1.0
    assert pd.isna(scene.row("premises_200m")["about_id"])  # no named shop
    scene.links[0]["edge_id"] = "e-400"
    scene.things = scene.things[1:]
    assert said(scene.row("internet_cafes_200m")) == ("unknown", 0.0, "geometry", "none_found")


def test_kindergartens_have_no_rule_on_internet_cafes() -> None:
    scene = Scene()
    scene.school("k", "kindergarten")
    scene.gate("g2", "k", (50, 8), "e0", 50.0)
    rows = scene.check()
    assert set(rows.xs("g1", level=1).index) == ALWAYS
    assert set(rows.xs("g2", level=1).index) == ALWAYS - {"internet_cafes_200m"}


def test_what_was_seen_on_site() -> None:
    scene = Scene()
    assert said(scene.row("flag_ebikes")) == ("no_data", None, None, "not_surveyed")
    scene.crossing("c0", 0)
    scene.said("e0", "edge", "flag_ebikes", "no")
    assert said(scene.row("flag_ebikes")) == ("unknown", 0.0, "survey", "reference_proposal")
    scene.said("c0", "crossing", "flag_ebikes", "yes")
    assert said(scene.row("flag_ebikes"))[1] == 1.0
    assert scene.row("flag_ebikes")["about_id"] == "c0"
    scene.said("g1", "gate", "flag_dropoff_crowd", "是")
    assert said(scene.row("flag_dropoff_crowd"))[1] == 1.0


# --- whose gate


@pytest.mark.parametrize(("resolved_by", "through", "reason"), [
    ("point", None, "gate_guessed"), ("perimeter", None, "gate_guessed"), ("boundary", None, "gate_guessed"),
    ("mapped", "compound", "gate_of_compound"),
])  # fmt: skip
def test_a_guessed_gate_gets_no_verdict(resolved_by: str, through: str | None, reason: str) -> None:
    scene = Scene()
    scene.crossing("c1", 100)
    scene.gates[0] |= {"resolved_by": resolved_by, "through": through}
    rows = scene.check()
    assert set(rows["gate_use"]) == {"guessed"}
    assert set(rows["verdict"]) == {"unknown"}
    assert set(rows["reason"]) == {reason}
    assert rows["measured"].isna().all()
    assert set(rows.index.get_level_values(0)) == ALWAYS


def test_a_surveyed_gate_is_the_pupils() -> None:
    scene = Scene()
    scene.gates[0]["resolved_by"] = "survey"
    assert set(scene.check()["gate_use"]) == {"student"}


def test_vehicle_gates_are_told_apart() -> None:
    scene = Scene()
    scene.crossing("c1", 100)
    # on the ground's edge, 3 m and less; another one lies 20 m inside
    ring = shapely.Polygon([degrees(*one) for one in box(150, 10, 250, 100)])
    scene.grounds.append({"site_id": "s1", "geometry": ring})
    scene.points += [{"point_id": "v1", "what": "gate", "vehicle": True, "geometry": point(200, 10)},
                     {"point_id": "v2", "what": "gate", "vehicle": True, "geometry": point(200, 40)},
                     {"point_id": "v3", "what": "gate", "vehicle": False, "geometry": point(210, 10)}]  # fmt: skip
    scene.street(speed_kmh=50.0)
    rows = scene.check()
    mine = rows.xs("v1", level=1)
    assert set(rows.index.get_level_values(1)) == {"g1", "v1"}
    assert set(mine["gate_use"]) == {"vehicle"}
    assert said(mine.loc["junction_100m"]) == ("meets", pytest.approx(100.0, abs=0.05), "geometry", None)
    assert said(mine.loc["speed_limit_30"])[:2] == ("below_recommended", 50.0)
    assert said(mine.loc["crossing_50m"]) == ("unknown", None, None, "vehicle_gate")
    # or by a field sheet
    scene.said("g1", "gate", "gate_use", "vehicle")
    assert set(scene.check().xs("g1", level=1)["gate_use"]) == {"vehicle"}


def test_a_gate_beyond_linking_distance_keeps_its_rows() -> None:
    scene = Scene()
    scene.gate("g2", "s1", (30, 300), None)
    scene.gate("g3", "s1", (30, 120), "e0", 30.0, reason="long_leg")
    rows = scene.check()
    for gate, reason in (("g2", "blocked_by_barrier"), ("g3", "long_leg")):
        mine = rows.xs(gate, level=1)
        assert set(mine["verdict"]) == {"unknown"}
        assert set(mine["reason"]) == {reason}
        assert len(mine) == len(ALWAYS)


def test_schools_outside_closed_or_of_other_kinds_have_no_rows() -> None:
    scene = Scene()
    scene.school("far", "primary_school", inside=False)
    scene.school("shut", "primary_school", status="closed")
    scene.school("park", "park")
    for site in ("far", "shut", "park"):
        scene.gate(f"g-{site}", site, (50, 8), "e0", 50.0)
    assert set(scene.check()["site_id"]) == {"s1"}


def test_no_school_at_all_gives_an_empty_table() -> None:
    scene = Scene()
    scene.sites[0]["kind"] = "park"
    assert scene.check().empty


# --- laws


def test_no_rule_for_new_building_fails_what_exists() -> None:
    scene = Scene(highway="primary")
    scene.street(speed_kmh=60.0, lanes_per_dir=3, sidewalk_left="none", sidewalk_right="none")
    scene.crossing("c0", 0)
    scene.links[0] |= {"edge_id": "e200", "offset_m": 95.0}
    rows = scene.check().reset_index()
    new = rows[rows["binds_new_only"]]
    assert set(new["verdict"]) == {"below_recommended"}
    assert len(new) == 3
    failing = rows[rows["verdict"] == "fails_mandatory"]
    assert set(failing["wording"]) <= {"应"}
    assert set(rows.loc[rows["status"].isin(["other_place", "proposal"]), "verdict"]) <= {"unknown", "no_data"}


@given(st.permutations(range(9)), st.integers(0, 8))
@settings(max_examples=5, deadline=None)
def test_row_order_changes_nothing(order: list[int], turn: int) -> None:
    scene = Scene()
    for x in (0, 100, -100):
        scene.crossing(f"c{x}", x)
    scene.things += [
        {"thing_id": name, "what": "internet_cafe", "geometry": point(x, 15)} for name, x in (("a", 0), ("b", 60))
    ]
    first = scene.check()
    names = list(scene.edges)
    scene.edges = {names[at]: scene.edges[names[at]] for at in order}
    scene.crossings = scene.crossings[turn % 3 :] + scene.crossings[: turn % 3]
    scene.things.reverse()
    pd.testing.assert_frame_equal(first, scene.check())


@given(st.lists(st.tuples(st.integers(0, 7), st.floats(0, 100), st.floats(0, 90)), min_size=1, max_size=6),
       st.integers(0, 7), st.floats(0, 100), st.floats(50, 400))  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_distances_of_things_agree_with_networkx(
    things: list[tuple[int, float, float]], at: int, offset: float, limit: float
) -> None:
    scene = Scene()
    names = [f"e{west}" for west in range(-400, 400, 100)]
    scene.links[0] |= {"edge_id": names[at], "offset_m": round(offset, 3)}
    scene.things = [{"thing_id": f"t{row}", "what": "bar", "geometry": point(-400 + 100 * edge + along, -aside)}
                    for row, (edge, along, aside) in enumerate(things)]  # fmt: skip
    inputs = scene.inputs()
    roads = Roads(inputs.streets, CATALOGUE, EPSG)
    frame = pd.DataFrame({"walk_edge": [names[at]], "walk_m": [round(offset, 3)]})
    found = things_near(Places(frame), inputs.surroundings, roads, CATALOGUE, limit)
    plain = Graph()
    for edge in scene.edges.values():
        plain.add_edge(edge["u"], edge["v"], weight=edge["length_m"])
    west = -400 + 100 * at
    plain.add_edge("gate", f"n{west},0", weight=offset)
    plain.add_edge("gate", f"n{west + 100},0", weight=100 - offset)
    for row, (edge, along, aside) in enumerate(things):
        plain.add_edge(f"t{row}", f"n{-400 + 100 * edge},0", weight=along + aside)
        plain.add_edge(f"t{row}", f"n{-300 + 100 * edge},0", weight=100 - along + aside)
        if edge == at:
            plain.add_edge("gate", f"t{row}", weight=abs(along - offset) + aside)
    far = single_source_dijkstra_path_length(plain, "gate", weight="weight")
    # legs run through things in this plain graph only where that is no shorter; a centimetre is the drawing's rounding
    direct = {
        f"t{row}": abs(-400 + 100 * edge + along - (west + offset)) + aside
        for row, (edge, along, aside) in enumerate(things)
    }
    assert all(far[name] == pytest.approx(metres) for name, metres in direct.items())
    measured = dict(zip(found["thing_id"], found["distance_m"], strict=True))
    for name, metres in direct.items():
        if abs(metres - limit) > 0.1:
            assert (name in measured) == (metres < limit)
        if name in measured:
            assert measured[name] == pytest.approx(metres, abs=0.1)
    assert found["distance_m"].is_monotonic_increasing
    assert len(nearest_things(found, 2)) == min(2, len(found))


# --- the catalogue of rules


def test_every_rule_has_a_source_and_only_seen_ones_a_clause() -> None:
    for rule in load_gate_rules().rule:
        assert rule.document
        assert rule.source
        assert not (rule.clause and rule.seen not in ("V", "V2"))
        assert rule.gives_verdict is (
            rule.direction != "none" and (rule.status == "plan" or (rule.status == "in_force" and rule.wording != ""))
        )
    assert {rule.id for rule in load_gate_rules().rule if rule.gives_verdict} == {
        "speed_limit_30", "crossing_50m", "crossing_width_6m", "signals_two_lanes", "junction_100m", "not_on_main_road", "guard_50m",
        "step_free",
    }  # fmt: skip


def test_a_faulty_catalogue_is_refused() -> None:
    from importlib import resources

    text = resources.files("xiqing_space.catalog").joinpath("gate_rules.toml").read_text(encoding="utf-8")
    for old, new in (
        ('clause = "第九条"\nwording = ""\nstatus = "in_force"\nseen = "V2"', 'clause = "第九条"\nwording = ""\nstatus = "proposal"\nseen = "U"'),
        ('id = "sidewalks"', 'id = "step_free"'), ('wording = "应"', 'wording = "须"'), ('main_ref = "^', 'main_ref = "(^'),
        ("within_m = 0.0", "within_m = -1.0"), ('seen = "V2"', 'seen = "U"'),
    ):  # fmt: skip
        assert old in text
        with pytest.raises(CatalogueError):
            read_gate_rules(text.replace(old, new))


def test_gates_for_vehicles_alone_are_read_from_their_tags() -> None:
    tags = [
        {"motor_vehicle": "yes", "foot": "no"}, {"vehicle": "private", "foot": "no"}, {"motor_vehicle": "no", "foot": "no"},
        {"foot": "no"}, {"motor_vehicle": "yes"}, {"motor_vehicle": "yes", "access": "no"},
    ]  # fmt: skip
    features = Features()
    features.nodes.extend((row, 117.0, 39.0, {"barrier": "gate", **one}) for row, one in enumerate(tags))
    found = gate_nodes(features, CATALOGUE)
    assert found["vehicle"].tolist() == [True, True, False, False, False, False]
    assert found["shut"].tolist() == [True, True, True, True, False, True]
