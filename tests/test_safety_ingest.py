"""Tags of streets and things at the roadside, as the stage ingest leaves them for the safety room."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from helpers import Drawing, call, degrees, table, write_config, write_osmnx

from xiqing_space.ingest.osm_streets import STREET_TAGS, read_street_ways
from xiqing_space.ingest.street_tags import READ_KEYS, osmnx_tags, way_tags
from xiqing_space.ingest.streets import read_osmnx_edges


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crossroads of two streets, with signals, bumps, a refuge and premises; some of it far outside."""
    base = tmp_path_factory.mktemp("roadside")
    d = Drawing()
    d.street(
        [(0.0, 0.0), (100.0, 0.0), (200.0, 0.0)], "primary", name="甲路", maxspeed="３０ mph", lanes="4", source="GPS"
    )
    d.way([(100.0, -100.0), (100.0, 0.0), (100.0, 100.0)],
          {"highway": "residential", "sidewalk:left": "yes", "parking:lane:both": "parallel", "surface": "asphalt \"x\", y=z"})  # fmt: skip
    d.street([(200.0, 0.0), (300.0, 0.0)], "footway", footway="sidewalk")
    d.node(100, 50, {"highway": "traffic_signals"}, id=901)
    d.node(100, 60, {"traffic_calming": "hump"}, id=902)
    d.node(
        100,
        70,
        {"highway": "crossing", "crossing": "marked", "crossing:island": "yes", "traffic_calming": "table"},
        id=903,
    )
    d.node(100, 80, {"traffic_calming": "island"}, id=904)
    d.node(0, 10, {"highway": "mini_roundabout"}, id=905)
    d.node(0, 20, {"traffic_calming": "rumble_strip"}, id=906)
    d.node(50_000, 0, {"highway": "traffic_signals"}, id=907)
    d.node(20, 20, {"amenity": "internet_cafe", "name": "某网吧"}, id=911)
    d.node(30, 20, {"shop": "tobacco"}, id=912)
    d.node(40, 20, {"shop": "bakery"}, id=913)
    d.node(50_000, 20, {"shop": "lottery"}, id=914)
    d.block(60, 20, 80, 40, {"building": "retail", "amenity": "bar"})
    d.block(60, 60, 80, 80, {"building": "retail", "shop": "lottery"})
    d.block(10, 60, 30, 80, {"leisure": "amusement_arcade"})
    config = write_config(base / "c.toml", {
        "area": {"name": "X", "bbox": [*degrees(-50, -120), *degrees(320, 120)], "buffer_m": 500},
        "sources": {"osm": str(d.write(base / "a.osm"))},
    })  # fmt: skip
    result = call("run", "--config", config, "--out", base / "out", "--only", "ingest")
    assert result.code == 0, result.err[-500:]
    return base / "out"


def test_tags_of_streets_are_kept_as_written(out: Path) -> None:
    rows = table(out, "street_tags").set_index("osm_id")["tags"]
    # keys in alphabetical order, and none that tells nothing of the walk
    assert rows["osm:w1001"] == '{"highway": "primary", "lanes": "4", "maxspeed": "３０ mph"}'
    assert json.loads(rows["osm:w1002"]) == {
        "highway": "residential", "sidewalk:left": "yes", "parking:lane:both": "parallel", "surface": 'asphalt "x", y=z',
    }  # fmt: skip
    assert json.loads(rows["osm:w1003"]) == {"highway": "footway", "footway": "sidewalk"}
    assert set(rows.index) == set(table(out, "streets")["osm_id"])


def test_points_on_roads_are_what_their_tags_say(out: Path) -> None:
    rows = table(out, "road_points")
    assert set(zip(rows["point_id"], rows["what"], strict=True)) == {
        ("osm:n901", "signal"), ("osm:n902", "calming"), ("osm:n903", "calming"), ("osm:n903", "refuge"), ("osm:n904", "refuge"),
        ("osm:n905", "mini_roundabout"),
    }  # fmt: skip
    raised = rows[(rows["point_id"] == "osm:n903")].iloc[0]
    assert json.loads(raised["tags"])["traffic_calming"] == "table"
    place = shapely.from_wkb(raised["geometry"])
    assert (place.x, place.y) == pytest.approx(degrees(100, 70), abs=1e-7)
    # a node that is a crossing too stays one
    assert table(out, "mapped_crossings")["crossing_id"].tolist() == ["osm:n903"]


def test_surroundings_are_points_without_names(out: Path) -> None:
    rows = table(out, "surroundings")
    drawn = {
        "osm:n911": "internet_cafe",
        "osm:n912": "tobacco",
        "osm:w1004": "bar",
        "osm:w1005": "lottery",
        "osm:w1006": "game_hall",
    }
    assert dict(zip(rows["thing_id"], rows["what"], strict=True)) == drawn
    assert set(rows["source"]) == {"a.osm"}
    assert set(rows.columns) == {"thing_id", "what", "source", "geometry"}, "named premises stand on no page"
    bar = shapely.from_wkb(rows.set_index("thing_id").loc["osm:w1004", "geometry"])
    assert shapely.box(*degrees(60, 20), *degrees(80, 40)).contains(bar)


def test_whoever_asks_for_no_more_reads_the_keys_of_old(tmp_path: Path) -> None:
    d = Drawing()
    d.street([(0.0, 0.0), (100.0, 0.0)], maxspeed="50", name="a")
    path = d.write(tmp_path / "a.osm")
    plain, more = read_street_ways(path, ()), read_street_ways(path, (), READ_KEYS)
    assert tuple(plain.tags) == STREET_TAGS
    assert tuple(more.tags)[: len(STREET_TAGS)] == STREET_TAGS
    assert more.tags["maxspeed"].tolist() == ["50"]
    assert way_tags(more)["tags"].tolist() == ['{"highway": "residential", "maxspeed": "50"}']
    assert {key: plain.tags[key].tolist() for key in STREET_TAGS} == {
        key: more.tags[key].tolist() for key in STREET_TAGS
    }


def test_osmnx_files_give_what_columns_they_have(tmp_path: Path) -> None:
    """Lists become `2;3`; one-way streets are told as the table draws them, from the smaller node."""
    line, back = [(0.0, 0.0), (100.0, 0.0)], [(100.0, 0.0), (0.0, 0.0)]
    rows = [
        {
            "u": 1,
            "v": 2,
            "osmid": "10",
            "highway": "primary",
            "oneway": True,
            "lanes": "['3', '2']",
            "maxspeed": "50",
            "width": None,
            "line": line,
        },
        {
            "u": 4,
            "v": 3,
            "osmid": "11",
            "highway": "primary",
            "oneway": True,
            "lanes": "2",
            "maxspeed": None,
            "width": "7",
            "line": line,
        },
        {
            "u": 5,
            "v": 6,
            "osmid": "12",
            "highway": "service",
            "oneway": False,
            "lanes": None,
            "maxspeed": None,
            "width": None,
            "line": line,
        },
        {
            "u": 6,
            "v": 5,
            "osmid": "12",
            "highway": "service",
            "oneway": False,
            "lanes": None,
            "maxspeed": None,
            "width": None,
            "line": back,
        },
        {
            "u": 7,
            "v": 8,
            "osmid": "[13, 14]",
            "highway": "primary",
            "oneway": True,
            "lanes": "1",
            "maxspeed": None,
            "width": None,
            "line": line,
        },
        {
            "u": 9,
            "v": 8,
            "osmid": "[13, 15]",
            "highway": "primary",
            "oneway": True,
            "lanes": "4",
            "maxspeed": None,
            "width": None,
            "line": line,
        },
    ]
    found = (
        osmnx_tags(read_osmnx_edges(write_osmnx(tmp_path / "a.gpkg", rows)))
        .set_index("osm_id")["tags"]
        .map(json.loads)
        .to_dict()
    )
    assert found == {
        "osm:w10": {"highway": "primary", "lanes": "2;3", "maxspeed": "50", "oneway": "yes"},
        "osm:w11": {"highway": "primary", "lanes": "2", "oneway": "-1", "width": "7"},
        "osm:w12": {"highway": "service"},
        "osm:w13": {"highway": "primary", "lanes": "1;4", "oneway": "-1;yes"},
    }
