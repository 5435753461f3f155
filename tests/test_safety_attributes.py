"""Attributes of streets: survey over tag over default, each answer worked out by hand from the catalogue's tables."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from street_drawing import CATALOGUE, EAST, EPSG, Streets, edge

from xiqing_space.safety.attributes import resolve_attributes
from xiqing_space.safety.sheet import ATTRIBUTES


def one(highway: str = "residential", **tags: str) -> Any:
    """The row of a single street."""
    return Streets().way(1, EAST, highway, **tags).resolve().loc[1]


def wrong(highway: str = "residential", **tags: str) -> list[tuple[str, ...]]:
    return Streets().way(1, EAST, highway, **tags).wrong()


def said(row: Any, *names: str) -> list[Any]:
    """Values and sources, one after the other."""
    return [row[name + end] for name in names for end in ("", "_from")]


# --- defaults


@pytest.mark.parametrize(
    ("highway", "ref", "status", "kind", "speed", "per_dir", "sidewalk", "flow"),
    [
        ("residential", None, "urban", "residential", 30, 1, "none", 500),
        ("living_street", None, "urban", "living_street", 20, 1, "informal_wide", 200),
        ("secondary", None, "urban", "secondary", 50, 2, "separated_0_1m", 6000),
        ("secondary", "S6", "highway", "secondary", 70, 2, "none", 6000),
        ("secondary", "津6", "urban", "secondary", 50, 2, "separated_0_1m", 6000),
        ("primary", "XX1;G104", "highway", "primary", 70, 2, "none", 9000),
        ("trunk_link", None, "urban", "trunk", 70, 3, "none", 12000),
        ("road", None, "urban", "unclassified", 40, 1, "none", 1000),
        ("busway", None, "urban", "secondary", 50, 2, "separated_0_1m", 6000),
    ],
)
def test_defaults_by_class_and_status(
    highway: str, ref: str | None, status: str, kind: str, speed: int, per_dir: int, sidewalk: str, flow: int
) -> None:
    row = one(highway, **({"ref": ref} if ref else {}))
    assert (row["road_class"], row["road_status"]) == (kind, status)
    assert said(row, "speed_kmh", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "flow_per_lane") == [
        speed, "default", per_dir, "default", sidewalk, "default", sidewalk, "default", flow, "default",
    ]  # fmt: skip
    assert said(row, "lanes_total", "carriageway_width_m", "oneway") == [
        2 * per_dir, "default", 7.0 * per_dir, "default", False, "default"
    ]  # fmt: skip
    assert said(row, "lit", "surface", "parking", "calming", "median") == [
        status == "urban", "default", "good", "default", "none", "default", False, "default", "none", "default",
    ]  # fmt: skip
    assert pd.isna(row["sidewalk_width_m"])
    assert pd.isna(row["sidewalk_width_m_from"])


def test_every_class_that_the_catalogue_orders_has_defaults() -> None:
    s = Streets()
    for number, highway in enumerate(CATALOGUE.safety["roads"]["order"], start=1):
        s.way(number, [(0.0, 100.0 * number), (200.0, 100.0 * number)], highway)
    rows = s.resolve()
    assert len(rows) == len(CATALOGUE.safety["roads"]["order"])
    assert set(rows["road_class"]) == set(CATALOGUE.safety["defaults"])


# --- tags


@pytest.mark.parametrize(
    ("tags", "speed"),
    [
        ({"maxspeed": "30 mph"}, 48.28), ({"maxspeed": "CN:urban"}, 50), ({"maxspeed:type": "CN:rural"}, 70),
        ({"zone:maxspeed": "DE:30"}, 30), ({"source:maxspeed": "sign", "maxspeed": "40"}, 40), ({"maxspeed:forward": "30", "maxspeed:backward": "50"}, 50),
        ({"maxspeed": "none", "maxspeed:type": "CN:urban"}, 50),
    ],
)  # fmt: skip
def test_speed(tags: dict[str, str], speed: float) -> None:
    row = one(**tags)
    assert row["speed_kmh"] == pytest.approx(speed, abs=0.001)
    assert row["speed_kmh_from"] == "tag"


@pytest.mark.parametrize(
    ("tags", "oneway", "total", "per_dir", "width"),
    [
        ({"lanes": "4"}, False, 4, 2, 14.0),
        ({"lanes": "3"}, False, 3, 2, 10.5),  # odd: rounded up for a direction
        ({"lanes": "1"}, False, 1, 1, 3.5),
        ({"lanes": "2;3"}, False, 3, 2, 10.5),
        ({"lanes": "3", "oneway": "yes"}, True, 3, 3, 10.5),
        ({"lanes": "2", "oneway": "-1"}, True, 2, 2, 7.0),
        ({"oneway": "yes"}, True, 1, 1, 3.5),  # one direction of the default only
        ({"junction": "roundabout", "lanes": "2"}, True, 2, 2, 7.0),
        ({"lanes:forward": "2", "lanes:backward": "1"}, False, 3, 2, 10.5),
        ({"lanes": "4", "lanes:forward": "3"}, False, 4, 3, 14.0),
        ({"lanes:forward": "2"}, False, 4, 2, 14.0),
        ({"lanes": "5", "lanes:forward": "2", "lanes:backward": "2", "lanes:both_ways": "1"}, False, 5, 2, 17.5),
        ({"lanes": "2", "width": "9,5"}, False, 2, 1, 9.5),
        ({"lanes": "2", "width": "9", "width:carriageway": "6.5 m"}, False, 2, 1, 6.5),
        ({"est_width": "20'"}, False, 2, 1, 6.096),
    ],
)  # fmt: skip
def test_lanes_and_width(tags: dict[str, str], oneway: bool, total: int, per_dir: int, width: float) -> None:
    row = one(**tags)
    assert (row["oneway"], row["lanes_total"], row["lanes_per_dir"]) == (oneway, total, per_dir)
    assert row["carriageway_width_m"] == pytest.approx(width, abs=0.001)
    assert row["oneway_from"] == ("tag" if oneway else "default")
    assert (
        row["lanes_total_from"]
        == row["lanes_per_dir_from"]
        == ("tag" if any(key.startswith("lanes") for key in tags) else "default")
    )
    assert row["carriageway_width_m_from"] == ("tag" if any("width" in key for key in tags) else "default")
    assert wrong(**tags) == []


def test_a_motorway_is_one_way_by_itself() -> None:
    assert said(one("motorway"), "oneway", "lanes_total", "lanes_per_dir") == [True, "tag", 3, "default", 3, "default"]


@pytest.mark.parametrize(
    ("tags", "left", "right"),
    [
        ({"sidewalk": "both"}, "separated_0_1m", "separated_0_1m"), ({"sidewalk": "left"}, "separated_0_1m", "none"),
        ({"sidewalk": "right"}, "none", "separated_0_1m"), ({"sidewalk": "no"}, "none", "none"), ({"sidewalk": "none"}, "none", "none"),
        ({"sidewalk": "separate"}, "separated_0_1m", "separated_0_1m"), ({"sidewalk:both": "no"}, "none", "none"),
        ({"sidewalk:left": "yes", "sidewalk:right": "no"}, "separated_0_1m", "none"), ({"footway": "both"}, "separated_0_1m", "separated_0_1m"),
        ({"sidewalk": "both", "sidewalk:left:separation": "fence"}, "barrier", "separated_0_1m"),
        ({"sidewalk:left": "separate", "sidewalk": "both"}, "separated_0_1m", "separated_0_1m"),
    ],
)  # fmt: skip
def test_sidewalks(tags: dict[str, str], left: str, right: str) -> None:
    row = one(**tags)
    assert said(row, "sidewalk_left", "sidewalk_right") == [left, "tag", right, "tag"]
    assert wrong(**tags) == []


def test_what_is_said_of_one_side_leaves_the_other_to_the_default() -> None:
    row = one("secondary", **{"sidewalk:left": "no"})
    assert said(row, "sidewalk_left", "sidewalk_right") == ["none", "tag", "separated_0_1m", "default"]


def test_sidewalk_width_is_that_of_the_narrower_one() -> None:
    row = one(**{"sidewalk:left:width": "2 m", "sidewalk:right:width": "1,5"})
    assert said(row, "sidewalk_width_m") == [1.5, "tag"]


@pytest.mark.parametrize(
    ("tags", "name", "value"),
    [
        ({"lit": "no"}, "lit", False), ({"lit": "limited"}, "lit", False), ({"lit": "Yes"}, "lit", True), ({"lit": "18:00-23:00"}, "lit", True),
        ({"surface": "asphalt"}, "surface", "good"), ({"surface": "asphalt;sett"}, "surface", "medium"), ({"surface": "dirt"}, "surface", "unsealed_poor"),
        ({"surface": "asphalt", "smoothness": "bad"}, "surface", "poor"), ({"smoothness": "intermediate"}, "surface", "medium"),
        ({"surface": "gravel", "smoothness": "very_bad"}, "surface", "unsealed_poor"), ({"surface": "gravel", "smoothness": "good"}, "surface", "unsealed_good"),
        ({"parking:left": "lane", "parking:right": "no"}, "parking", "one"), ({"parking:both": "street_side"}, "parking", "both"),
        ({"parking:lane:left": "parallel", "parking:lane:right": "diagonal"}, "parking", "both"), ({"parking:both": "no"}, "parking", "none"),
        ({"parking:lane:both": "no_stopping"}, "parking", "none"), ({"traffic_calming": "hump"}, "calming", True), ({"traffic_calming": "no"}, "calming", False),
        ({"divider": "median"}, "median", "physical"), ({"divider": "solid_line"}, "median", "painted"), ({"oneway": "yes"}, "median", "oneway"),
        ({"oneway": "yes", "dual_carriageway": "yes"}, "median", "physical"),
    ],
)  # fmt: skip
def test_other_tags(tags: dict[str, str], name: str, value: Any) -> None:
    assert said(one(**tags), name) == [value, "tag"]
    assert wrong(**tags) == []


@pytest.mark.parametrize(
    ("tags", "listed"),
    [
        ({"maxspeed": "signals"}, ("maxspeed", "signals")), ({"maxspeed": "-1"}, ("maxspeed", "-1")), ({"lanes": "two"}, ("lanes", "two")),
        ({"oneway": "maybe"}, ("oneway", "maybe")), ({"width": "narrow"}, ("width", "narrow")), ({"lit": "?"}, ("lit", "?")),
        ({"surface": "lava"}, ("surface", "lava")), ({"smoothness": "lumpy"}, ("smoothness", "lumpy")), ({"sidewalk": "maybe"}, ("sidewalk", "maybe")),
        ({"sidewalk:both": "maybe"}, ("sidewalk:both", "maybe")), ({"parking:left": "boats"}, ("parking:left", "boats")),
        ({"traffic_calming": "dragon"}, ("traffic_calming", "dragon")), ({"divider": "river"}, ("divider", "river")),
        ({"sidewalk:left:width": "0"}, ("sidewalk:left:width", "0")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_listed_and_unknown(tags: dict[str, str], listed: tuple[str, str]) -> None:
    assert wrong(**tags) == [(*listed, "unread")]
    row, bare = one(**tags), one()
    assert [row[name] for name in ATTRIBUTES if name != "sidewalk_width_m"] == [
        bare[name] for name in ATTRIBUTES if name != "sidewalk_width_m"
    ]
    assert [row[f"{name}_from"] for name in ATTRIBUTES if name != "sidewalk_width_m"] == ["default"] * (
        len(ATTRIBUTES) - 1
    )


@pytest.mark.parametrize(
    ("tags", "key", "expected"),
    [
        ({"lanes": "2", "lanes:forward": "3"}, "lanes", {"lanes_total": 4, "lanes_per_dir": 3}),
        ({"lanes": "3", "lanes:forward": "1", "lanes:backward": "1"}, "lanes", {"lanes_total": 3, "lanes_per_dir": 2}),
        ({"lanes": "2", "lanes:forward": "2", "lanes:backward": "2"}, "lanes", {"lanes_total": 4, "lanes_per_dir": 2}),
        ({"oneway": "yes", "lanes:backward": "1", "lanes": "2"}, "oneway", {"lanes_total": 2, "lanes_per_dir": 2, "oneway": True}),
        ({"oneway": "yes", "lanes:forward": "2", "lanes:backward": "1"}, "oneway", {"lanes_total": 3, "lanes_per_dir": 3}),
        ({"sidewalk": "no", "sidewalk:left": "yes"}, "sidewalk", {"sidewalk_left": "none", "sidewalk_right": "none"}),
        ({"sidewalk": "both", "sidewalk:right": "no"}, "sidewalk", {"sidewalk_left": "separated_0_1m", "sidewalk_right": "none"}),
        ({"sidewalk:both": "yes", "sidewalk:right": "no"}, "sidewalk:both", {"sidewalk_left": "separated_0_1m", "sidewalk_right": "none"}),
    ],
)  # fmt: skip
def test_of_contradicting_tags_the_less_favourable_counts(
    tags: dict[str, str], key: str, expected: dict[str, Any]
) -> None:
    row, listed = one(**tags), wrong(**tags)
    assert {name: row[name] for name in expected} == expected
    assert [row[f"{name}_from"] for name in expected] == ["tag"] * len(expected)
    ((found, text, why),) = listed
    assert (found, why) == (key, "contradiction")
    assert all(f"{name}={value}" in f"{found}={text}" for name, value in tags.items())


def test_each_way_is_listed_once_however_many_edges_it_has() -> None:
    s = Streets().way(1, EAST, maxspeed="fast").way(2, [(0.0, 90.0), (200.0, 90.0)], maxspeed="fast")
    tables = s.tables()
    tables[0]["osm_id"] = "osm:w1"
    _, listed = resolve_attributes(*tables, CATALOGUE, EPSG)
    assert listed.to_numpy().tolist() == [["osm:w1", "maxspeed", "fast", "unread"]]


# --- bumps, survey


def test_bumps_calm_a_street_where_they_are_frequent_enough() -> None:
    """A bump for each 150 m: one is enough for 140 m, not for 200 m; 3 m beside the line it lies on another way."""
    short = [(0.0, 0.0), (140.0, 0.0)]
    assert said(Streets().way(1, short).bump(50, 0).resolve().loc[1], "calming") == [True, "tag"]
    assert said(Streets().way(1, EAST).bump(50, 0).resolve().loc[1], "calming") == [False, "default"]
    assert said(Streets().way(1, EAST).bump(50, 0).bump(150, 0.3).resolve().loc[1], "calming") == [True, "tag"]
    assert said(Streets().way(1, short).bump(50, 3).resolve().loc[1], "calming") == [False, "default"]
    assert said(Streets().way(1, short, "footway").bump(50, 0).resolve().loc[1], "calming") == [False, "default"]


def test_the_survey_counts_more_than_tags_and_settles_what_follows_from_it() -> None:
    s = Streets().way(1, EAST, "secondary", maxspeed="60", lanes="2", sidewalk="both", lit="yes")
    for name, value in {"speed_kmh": "40", "lanes_total": "5", "sidewalk_left": "none", "lit": "否", "surface": "poor", "parking": "one",
                        "flow_per_lane": "7300", "median": "painted", "sidewalk_width_m": "1.2", "calming": "yes"}.items():  # fmt: skip
        s.survey(1, name, value)
    row = s.resolve().loc[1]
    assert said(row, "speed_kmh", "lanes_total", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "lit", "surface") == [
        40, "survey", 5, "survey", 3, "survey", "none", "survey", "separated_0_1m", "tag", False, "survey", "poor", "survey",
    ]  # fmt: skip
    assert said(row, "parking", "flow_per_lane", "median", "sidewalk_width_m", "calming", "carriageway_width_m") == [
        "one", "survey", 7300, "survey", "painted", "survey", 1.2, "survey", True, "survey", 17.5, "default",
    ]  # fmt: skip
    row = Streets().way(1, EAST, lanes="4").survey(1, "oneway", "yes").resolve().loc[1]
    assert said(row, "oneway", "lanes_total", "lanes_per_dir", "median") == [
        True,
        "survey",
        4,
        "tag",
        4,
        "survey",
        "oneway",
        "survey",
    ]
    row = Streets().way(1, EAST).survey(1, "lanes_per_dir", "3").resolve().loc[1]
    assert said(row, "lanes_total", "lanes_per_dir") == [6, "survey", 3, "survey"]


def test_a_surveyed_value_that_does_not_fit_is_listed_and_left_out() -> None:
    s = (
        Streets()
        .way(1, EAST, maxspeed="60")
        .survey(1, "speed_kmh", "fast")
        .survey(1, "sidewalk_left", "wide")
        .survey(1, "lanes_total", "0")
    )
    assert s.wrong() == [
        ("lanes_total", "0", "unread"),
        ("sidewalk_left", "wide", "unread"),
        ("speed_kmh", "fast", "unread"),
    ]
    assert said(s.resolve().loc[1], "speed_kmh") == [60, "tag"]


def test_a_street_that_is_gone_and_flags_outside_the_score_are_passed_over() -> None:
    s = Streets().way(1, EAST)
    tables = s.survey(2, "speed_kmh", "20").survey(1, "e_bikes_on_path", "yes").tables()
    frame, listed = resolve_attributes(*tables, CATALOGUE, EPSG)
    assert frame["speed_kmh"].tolist() == [30]
    assert listed.empty


# --- footways


def test_a_footway_has_its_roads_attributes_survey_included_and_its_own_light() -> None:
    s = Streets().way(1, EAST, "secondary", ref="S6", maxspeed="60", lanes="4", surface="sett", traffic_calming="table")
    s.way(2, [(0.0, 8.5), (200.0, 8.5)], "footway", lit="yes", width="1.5", surface="dirt").survey(
        1, "flow_per_lane", "4100"
    )
    rows = s.resolve()
    own = ("sidewalk_left", "sidewalk_right", "sidewalk_width_m", "lit")
    for name in (name for name in ATTRIBUTES if name not in own):
        assert said(rows.loc[2], name) == said(rows.loc[1], name), name
    assert said(rows.loc[2], *own) == ["separated_0_1m", "tag"] * 2 + [
        1.5,
        "tag",
        True,
        "tag",
    ]  # 8.5 - 7 - 0.75 = 0.75 m
    assert rows.loc[2, ["road_class", "road_status", "beside_edge_id"]].tolist() == ["secondary", "highway", edge(1)]
    assert rows.loc[1, "lit"] == CATALOGUE.safety["defaults_all"]["lit_highway"][1]
    # what is known of the road's light counts
    s = Streets().way(1, EAST, lit="no").way(2, [(0.0, 5.0), (200.0, 5.0)], "footway", lit="yes")
    assert said(s.resolve().loc[2], "lit") == [False, "tag"]


def test_a_surveyed_footway_keeps_what_was_surveyed() -> None:
    s = Streets().way(1, EAST).way(2, [(0.0, 5.0), (200.0, 5.0)], "footway")
    row = s.survey(2, "sidewalk_left", "barrier").survey(2, "lit", "no").resolve().loc[2]
    assert said(row, "sidewalk_left", "sidewalk_right", "lit") == [
        "barrier",
        "survey",
        "separated_0_1m",
        "tag",
        False,
        "survey",
    ]


def test_ways_away_from_roads_know_no_motor_traffic() -> None:
    row = Streets().way(1, EAST, "path", lit="no", surface="gravel", width="2").resolve().loc[1]
    assert row["road_class"] == "foot"
    assert row["road_status"] == "urban"
    assert said(row, "lit", "surface", "sidewalk_width_m") == [False, "tag", "unsealed_good", "tag", 2.0, "tag"]
    zero = ["speed_kmh", "lanes_total", "lanes_per_dir", "carriageway_width_m", "flow_per_lane"]
    assert row[zero].tolist() == [0] * 5
    assert row[[f"{name}_from" for name in zero]].tolist() == ["default"] * 5
