"""School gates against the rules on their street: its speed, its crossings, where the gate stands; each met and missed by hand."""

from __future__ import annotations

import pytest
from gate_scenes import Scene, said

# --- speed limit: 宜, and signs set up before are not bound


def test_speed_limit_within_150_m_on_both_sides() -> None:
    scene = Scene()
    # the zone is -120 … 180: it touches e-200 (ends at -100) and e100, but neither e-300 (ends at -200) nor e200
    scene.edges["e200"]["speed_kmh"] = scene.edges["e-300"]["speed_kmh"] = 60.0
    assert said(scene.row("speed_limit_30")) == ("meets", 30.0, "tag", None)
    scene.edges["e-200"]["speed_kmh"] = 40.0
    assert said(scene.row("speed_limit_30")) == ("below_recommended", 40.0, "tag", "binds_new_only")
    assert scene.row("speed_limit_30")["about_id"] == "e-200"


def test_speed_limit_is_of_the_gates_own_street() -> None:
    scene = Scene()
    scene.edge("fast", (100, 0), (100, 300), name="快速路", highway="primary", speed_kmh=80.0)
    assert said(scene.row("speed_limit_30"))[:2] == ("meets", 30.0)
    # a street without name is told by its class
    scene.street(name=None)
    scene.edges["fast"] |= {"name": None, "highway": "secondary"}
    assert said(scene.row("speed_limit_30"))[:2] == ("below_recommended", 80.0)


def test_a_default_speed_gives_no_verdict() -> None:
    scene = Scene()
    scene.edges["e100"] |= {"speed_kmh": 50.0, "speed_kmh_from": "default"}
    assert said(scene.row("speed_limit_30")) == ("unknown", 50.0, "default", "default_value")
    scene.edges["e100"] |= {"speed_kmh": 20.0}  # a default below the limit is no proof either
    assert said(scene.row("speed_limit_30")) == ("unknown", 30.0, "default", "default_value")
    # one stretch seen to be too fast is enough
    scene.edges["e-100"] |= {"speed_kmh": 40.0, "speed_kmh_from": "survey"}
    assert said(scene.row("speed_limit_30")) == ("below_recommended", 40.0, "survey", "binds_new_only")


# --- crossings by the gate


def test_crossing_within_50_m() -> None:
    scene = Scene()
    scene.crossing("c0", 0)  # 30 m
    assert said(scene.row("crossing_50m")) == ("meets", 30.0, "tag", None)
    assert scene.row("crossing_50m")["about_id"] == "c0"
    scene = Scene()
    scene.crossing("c1", 100)  # 70 m
    assert said(scene.row("crossing_50m")) == ("fails_mandatory", 70.0, "geometry", None)


def test_crossing_at_the_limit_to_the_centimetre() -> None:
    for offset, verdict in ((50.0, "meets"), (50.004, "meets"), (50.01, "fails_mandatory")):
        scene = Scene()
        scene.links[0]["offset_m"] = offset
        scene.crossing("c0", 0)
        assert scene.row("crossing_50m")["verdict"] == verdict


def test_the_document_binds_on_secondary_and_larger_roads() -> None:
    scene = Scene(highway="residential")
    scene.crossing("c1", 100)
    assert said(scene.row("crossing_50m")) == ("below_recommended", 70.0, "geometry", "smaller_street")


def test_a_footbridge_is_a_crossing_too() -> None:
    scene = Scene()
    scene.edge("up", (0, 0), (0, 20), highway="footway")
    scene.edge("deck", (0, 20), (0, -20), highway="footway", bridge=True)
    scene.crossing("over/deck", 0, node_id=None, place="over", mapped=False, control="grade_separated", step_free=False)
    assert said(scene.row("crossing_50m")) == ("meets", 50.0, "tag", None)  # 30 along the street, 20 up
    assert said(scene.row("step_free")) == ("below_recommended", 1.0, "tag", None)
    assert said(scene.row("crossing_width_6m")) == ("meets", None, None, "does_not_apply")
    assert said(scene.row("signals_two_lanes")) == ("meets", None, None, "does_not_apply")
    scene.crossings[0]["step_free"] = True
    assert said(scene.row("step_free")) == ("meets", 0.0, "tag", None)
    scene.crossings[0]["step_free_from"] = "default"
    assert said(scene.row("step_free"))[::3] == ("unknown", "default_value")


def test_no_footbridge_asks_for_no_ramp() -> None:
    scene = Scene()
    scene.crossing("c0", 0)
    assert said(scene.row("step_free")) == ("meets", None, None, "does_not_apply")


def test_a_crossing_whose_tags_do_not_tell_gives_no_verdict() -> None:
    scene = Scene()
    scene.crossing("c0", 0, control="none", control_from="default")
    assert said(scene.row("crossing_50m")) == ("unknown", 30.0, "default", "control_unknown")
    scene.crossing("c1", 100)  # a marked one farther off does not settle it
    assert said(scene.row("crossing_50m"))[::3] == ("unknown", "control_unknown")
    # an unmarked one is none, and shows that crossings are mapped here
    scene = Scene()
    scene.crossing("c0", 0, control="none")
    assert said(scene.row("crossing_50m")) == ("fails_mandatory", None, "geometry", None)


def test_where_nobody_mapped_crossings_there_is_no_data() -> None:
    assert said(Scene().row("crossing_50m")) == ("no_data", None, None, "no_crossing_mapped")
    # a leg of a junction that nobody looked at is no mapped crossing
    scene = Scene()
    scene.crossing("n300,0/side", 300, place="junction", mapped=False, control="none", control_from="default")
    assert said(scene.row("crossing_50m"))[0] == "no_data"
    # nor is the road before a door, whatever else somebody wrote down there
    scene.crossing("block/e0", 100, node_id=None, mapped=False, control="none", control_from="default")
    scene.said("block/e0", "crossing", "lit", "yes")
    assert said(scene.row("crossing_50m"))[0] == "no_data"


def test_width_of_the_zebra_comes_from_the_field_alone() -> None:
    scene = Scene()
    assert said(scene.row("crossing_width_6m")) == ("no_data", None, None, "no_crossing_mapped")
    scene.crossing("c1", 100)  # 70 m: the rule on crossings says what is wrong
    assert said(scene.row("crossing_width_6m")) == ("unknown", None, None, "no_crossing_near")
    scene.crossing("c0", 0, control="none", control_from="default")
    assert said(scene.row("crossing_width_6m")) == ("unknown", None, "default", "control_unknown")
    assert said(scene.row("signals_two_lanes")) == ("unknown", None, "default", "control_unknown")
    scene.crossings.clear()
    scene.crossing("c0", 0)
    assert said(scene.row("crossing_width_6m")) == ("unknown", None, None, "width_unknown")
    for value, verdict in (("6", "meets"), ("5.9", "fails_mandatory"), ("six", "unknown")):
        scene.survey.clear()
        scene.said("c0", "crossing", "marking_width_m", value)
        assert scene.row("crossing_width_6m")["verdict"] == verdict


def test_signals_from_two_lanes_a_direction() -> None:
    scene = Scene()
    scene.crossing("c0", 0)
    assert said(scene.row("signals_two_lanes")) == ("meets", 1.0, "tag", "does_not_apply")
    scene.street(lanes_per_dir=2)
    assert said(scene.row("signals_two_lanes")) == ("fails_mandatory", 2.0, "tag", None)
    scene.crossings[0]["control"] = "signals"
    assert said(scene.row("signals_two_lanes")) == ("meets", 2.0, "tag", None)
    scene.crossings[0]["control"] = "marked"
    scene.street(lanes_per_dir_from="default")
    assert said(scene.row("signals_two_lanes")) == ("unknown", 2.0, "default", "default_value")


def test_island_where_a_crossing_is_longer_than_16_m() -> None:
    # a rule of another place: measured and told, never judged
    scene = Scene()
    scene.crossing("c0", 0, width_m=16.0)
    assert said(scene.row("island_16m")) == ("unknown", 16.0, "tag", "does_not_apply")
    scene.crossings[0]["width_m"] = 21.0
    assert said(scene.row("island_16m")) == ("unknown", 21.0, "tag", "reference_other_place")
    assert scene.row("island_16m")["about_id"] == "c0"
    scene.crossings[0]["width_m_from"] = "default"
    assert said(scene.row("island_16m")) == ("unknown", 21.0, "default", "default_value")


# --- where the gate stands


def test_distance_to_the_junction() -> None:
    scene = Scene()
    assert said(scene.row("junction_100m")) == ("meets", 270.0, "geometry", None)
    assert scene.row("junction_100m")["about_id"] == "n300,0"
    scene.links[0] |= {"edge_id": "e200", "offset_m": 1.0}
    assert said(scene.row("junction_100m")) == ("below_recommended", 99.0, "geometry", "binds_new_only")
    # a driveway or a path makes no junction
    scene.edge("drive", (200, 0), (200, 50), highway="service")
    scene.edge("path", (200, 0), (200, -50), highway="footway")
    assert said(scene.row("junction_100m"))[1] == 99.0


def test_a_street_without_junction() -> None:
    scene = Scene()
    del scene.edges["side"]
    assert said(scene.row("junction_100m")) == ("meets", None, "geometry", "beyond_search_limit")


def test_gate_on_a_main_road() -> None:
    assert said(Scene().row("not_on_main_road")) == ("meets", 0.0, "tag", None)
    assert said(Scene(highway="primary").row("not_on_main_road")) == ("below_recommended", 1.0, "tag", "binds_new_only")
    scene = Scene()
    scene.street(ref="G104")
    assert said(scene.row("not_on_main_road"))[:2] == ("below_recommended", 1.0)
    scene.street(ref="X301")
    assert said(scene.row("not_on_main_road"))[:2] == ("meets", 0.0)


def test_gate_on_a_path_belongs_to_the_street_it_leads_to() -> None:
    scene = Scene(highway="primary")
    scene.edge("path", (100, 0), (100, 80), highway="path")
    scene.links[0] |= {"edge_id": "path", "offset_m": 80.0}
    rows = scene.check()
    assert said(rows.loc[("not_on_main_road", "g1")]) == ("meets", 0.0, "tag", None)  # it does not open on to it
    assert said(rows.loc[("junction_100m", "g1")]) == ("meets", 200.0, "geometry", None)
    scene.edge("path", (100, 0), (100, 120), highway="path")
    scene.links[0] |= {"offset_m": 120.0}
    assert said(scene.row("junction_100m")) == ("unknown", None, None, "no_road_within_100m")


def test_gate_on_a_sidewalk_drawn_apart_belongs_to_its_road() -> None:
    scene = Scene()
    scene.edge("walk", (0, 5), (100, 5), highway="footway", beside_edge_id="e0")
    scene.links[0] |= {"edge_id": "walk", "offset_m": 30.0}
    rows = scene.check()
    assert said(rows.loc[("junction_100m", "g1")]) == ("meets", pytest.approx(270.0, abs=0.05), "geometry", None)
    assert said(rows.loc[("sidewalks", "g1")])[1] == 2.0


def test_sidewalks_of_the_street() -> None:
    scene = Scene()
    assert said(scene.row("sidewalks")) == ("unknown", 2.0, "tag", "reference_other_place")
    scene.edges["e0"]["sidewalk_left"] = "informal_wide"
    assert said(scene.row("sidewalks"))[1] == 1.0
    scene.edges["e0"]["sidewalk_right_from"] = "default"
    assert said(scene.row("sidewalks")) == ("unknown", 1.0, "default", "default_value")
    # of a carriageway of two the outer side stands for both
    scene.edges["e0"] |= {"sidewalk_left": "none", "pair_id": "p", "sidewalk_right_from": "tag"}
    assert said(scene.row("sidewalks"))[1] == 2.0
