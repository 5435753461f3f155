"""`make data` through osmnx's own HTTP code, against a stand-in for Overpass and Nominatim on 127.0.0.1."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helpers
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from helpers import box, call, degrees, files_of, table, write_config, write_geojson
from hypothesis import given, settings
from hypothesis import strategies as st
from standin import DATE, FREE, Extract, Fault, StandIn, nominatim_result

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import FetchConfig
from xiqing_space.crs import project, project_geometry
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.fetch import BOUNDARY, OSM, SOURCE, fetch, fetched_sources
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.online import FetchError, OfflineError
from xiqing_space.ingest.osm import read_features, read_header
from xiqing_space.ingest.osm_json import merge_answers, write_extract
from xiqing_space.ingest.overpass import plan_steps, query_outline

PLACE = "示例村"
# the hamlet, and an invented unit in the middle of Helsinki's extract: with 200 m round it, it still lies within
HAMLET = shapely.Polygon([degrees(*one) for one in box(-50, -50, 850, 850)])
UNIT = shapely.box(24.9398, 60.1672, 24.9488, 60.1760)
_UTM: dict[str, Any] = {}
STEPS = len(plan_steps(load_catalogue()))


@pytest.fixture(scope="module")
def extract(helsinki: Path) -> Extract:
    return Extract(helsinki)


@pytest.fixture(scope="module")
def small_extract(hamlet_osm: Path) -> Extract:
    return Extract(hamlet_osm)


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for another host fails, whatever the code makes of it."""
    connect = socket.socket.connect

    def checked(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] != "127.0.0.1":
            pytest.fail(f"reaches for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def quick_utm(monkeypatch: pytest.MonkeyPatch) -> None:
    """osmnx looks the UTM zone up in pyproj's database for every request, a fifth of a second each: once is enough here."""
    from pyproj import database

    query = database.query_utm_crs_info

    def cached(*args: Any, **kwargs: Any) -> Any:
        key = repr((args, kwargs))
        if key not in _UTM:
            _UTM[key] = query(*args, **kwargs)
        return _UTM[key]

    monkeypatch.setattr(database, "query_utm_crs_info", cached)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that osmnx makes: noted, not slept."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


@pytest.fixture
def standin(small_extract: Extract) -> Iterator[StandIn]:
    server = StandIn(small_extract)
    server.places[PLACE] = [nominatim_result(HAMLET)]
    yield server
    server.close()


@dataclass
class Office:
    """A planner's folder with a configuration that asks the stand-in."""

    folder: Path
    standin: StandIn

    @property
    def raw(self) -> Path:
        return self.folder / "data" / "raw"

    def config(self, *, area: dict[str, Any] | None = None, **limits: Any) -> Path:
        there = {"nominatim_url": self.standin.url, "overpass_url": f"{self.standin.url}/api"}
        where = {"name": PLACE, "buffer_m": 200, **(area or {})}
        (self.folder / "config").mkdir(exist_ok=True)
        return write_config(self.folder / "config" / "c.toml", {"area": where, "fetch": {**there, **limits}})

    def fetch(self, say: Callable[[str], None] = lambda _: None, **limits: Any) -> Any:
        return fetch(self.config(**limits), self.folder, say)


@pytest.fixture
def office(tmp_path: Path, standin: StandIn, slept: list[float]) -> Office:
    return Office(tmp_path, standin)


@pytest.fixture
def city(office: Office, extract: Extract) -> Office:
    """The same office, in Helsinki."""
    office.standin.extract = extract
    office.standin.places[PLACE] = [nominatim_result(UNIT)]
    return office


def left_behind(raw: Path) -> set[str]:
    """Files of data/raw but for the cache."""
    return {name for name in files_of(raw) if not name.startswith(".cache/")} if raw.is_dir() else set()


# --- a fetch that works


def test_a_district_is_fetched_with_source_date_and_licence(city: Office, slept: list[float]) -> None:
    lines: list[str] = []
    found = city.fetch(lines.append)
    assert left_behind(city.raw) == {OSM, BOUNDARY, SOURCE}
    assert not (city.raw / ".cache").exists()
    record = json.loads((city.raw / SOURCE).read_text("utf-8"))
    assert record == found.record
    assert record["place"] == PLACE
    assert record["osm_id"] == "R34914"
    assert record["data_date"] == DATE[:10]
    assert "ODbL" in record["licence"]
    assert record["overpass"] == f"{city.standin.url}/api"
    assert record["answers"] == dict.fromkeys(plan_steps(load_catalogue()), 1)
    header = read_header(found.osm)
    assert header.date == DATE[:10]
    # 200 m of buffer and up to 200 m of slack round the unit; 0.0036 degrees of longitude are 200 m at 60 N
    assert header.box == pytest.approx((24.9344, 60.1645, 24.9542, 60.1787), abs=0.002)
    boundary = json.loads((city.raw / BOUNDARY).read_text("utf-8"))["features"][0]
    assert shapely.from_geojson(json.dumps(boundary["geometry"])).equals(UNIT)
    assert len(city.standin.posts) == STEPS
    assert sum(path.endswith("/status") for path, _ in city.standin.asked) == STEPS
    assert city.standin.asked[0] == ("/search", PLACE)
    assert slept == [1, *[0] * STEPS]  # one second before Nominatim, none where a slot is free
    assert all(agent.startswith("xiqing_space/") for agent in city.standin.agents)
    assert any(f"[1/{STEPS}]" in line for line in lines)


def test_the_extract_is_what_the_server_holds_there(city: Office, extract: Extract) -> None:
    """Second method: every object of the fetched file as the extract has it, and all of a plain selection are there."""
    found = city.fetch()
    kinds = {"n": "node", "w": "way", "r": "relation"}
    seen: dict[str, set[int]] = {"node": set(), "way": set(), "relation": set()}
    order = []
    for item in osmium.FileProcessor(str(found.osm)):
        kind = kinds[item.type_str()]
        there = extract.items[kind][item.id]
        order.append((("node", "way", "relation").index(kind), item.id))
        seen[kind].add(item.id)
        assert {tag.k: tag.v for tag in item.tags} == there.get("tags", {})
        if item.is_node():
            assert (round(item.location.lon, 7), round(item.location.lat, 7)) == (there["lon"], there["lat"])
        elif item.is_way():
            assert [node.ref for node in item.nodes] == there["nodes"]
        else:
            assert [(kinds[one.type], one.ref, one.role) for one in item.members] == [
                (one["type"], one["ref"], one["role"]) for one in there["members"]
            ]
    assert order == sorted(order)
    near = UNIT.buffer(0.001)
    for kind in seen:
        for identity, item in extract.items[kind].items():
            tags = item.get("tags", {})
            if {"building", "amenity", "leisure", "landuse"} & set(tags) or (kind == "way" and "highway" in tags):
                shape = extract.shape(kind, identity)
                if shape is not None and shape.intersects(near):
                    assert identity in seen[kind], (kind, identity, tags)


def test_two_fetches_give_the_same_bytes_whatever_the_parts(city: Office) -> None:
    city.fetch()
    first = files_of(city.raw)
    city.fetch()
    assert files_of(city.raw) == first
    many = city.fetch(max_query_km2=0.7)
    assert many.record["answers"]["streets"] > 1
    again = {name: digest for name, digest in files_of(city.raw).items() if name != SOURCE}
    assert again == {name: digest for name, digest in first.items() if name != SOURCE}


def test_every_tag_that_the_readers_look_for_is_asked_for() -> None:
    from xiqing_space.ingest.barriers import barrier_pairs
    from xiqing_space.ingest.facilities import facility_pairs
    from xiqing_space.ingest.population import home_pairs

    catalogue = load_catalogue()
    steps = plan_steps(catalogue)
    asked = [(key, value) for tags in steps.values() for key, value in tags.items()]
    keys = [key for key, _ in asked]
    assert len(keys) == len(set(keys)), "asked for twice"
    wanted = dict(asked)
    for key, value in {*facility_pairs(catalogue), *barrier_pairs(catalogue), *home_pairs(catalogue)}:
        assert wanted[key] is True or value in wanted[key], (key, value)  # type: ignore[operator]


def test_coverage_on_the_fetched_files_is_that_of_the_extract(city: Office, helsinki: Path, tmp_path: Path) -> None:
    """End to end: fetch, then run without naming any data; against the extract within the same boundary."""
    config = city.config()
    assert call("fetch", "--config", config, "--out", city.folder).code == 0
    ours = call("run", "--config", config, "--out", city.folder, "--only", "indicators")
    assert ours.code == 0, ours.err
    assert OSM in ours.out
    assert "示例" not in ours.out
    other = write_config(
        tmp_path / "extract.toml",
        {
            "area": {"name": PLACE, "buffer_m": 200, "boundary": str(city.raw / BOUNDARY)},
            "sources": {"osm": str(helsinki)},
        },
    )
    whole = call("run", "--config", other, "--out", tmp_path / "extract", "--only", "indicators")
    assert whole.code == 0, whole.err
    keys = {"demand": ["demand_id"], "facilities": ["facility_id"], "grounds": ["site_id"], "streets": ["edge_id"],
            "barriers": ["barrier_id"], "compounds": ["compound_id"],
            "access": ["demand_id", "kind", "profile"], "access_low": ["demand_id", "kind", "profile"]}  # fmt: skip
    for name, key in keys.items():
        one, two = (table(out, name).sort_values(key, ignore_index=True) for out in (city.folder, tmp_path / "extract"))
        drop = [column for column in ("source",) if column in one.columns]  # the file's name
        pd.testing.assert_frame_equal(one.drop(columns=drop), two.drop(columns=drop), obj=name)
    assert len(table(city.folder, "access")) > 1000
    one, two = (table(out, "indicators").drop(columns=["evidence_id"]) for out in (city.folder, tmp_path / "extract"))
    pd.testing.assert_frame_equal(one, two)
    run = json.loads((city.folder / "data/processed/run.json").read_text("utf-8"))
    assert run["synthetic"] is False
    assert {item["file"] for item in run["inputs"]} == {OSM, BOUNDARY}


def test_a_boundary_of_the_planner_is_taken_and_no_place_is_looked_up(office: Office) -> None:
    ring = [list(one) for one in HAMLET.exterior.coords]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    mine = write_geojson(office.folder / "mine.geojson", [feature])
    found = office.fetch(area={"boundary": str(mine)})
    assert found.boundary is None
    assert left_behind(office.raw) == {OSM, SOURCE}
    assert not any(path == "/search" for path, _ in office.standin.asked)


def test_an_osm_id_is_looked_up_as_such(office: Office) -> None:
    office.standin.places["R34914"] = [nominatim_result(HAMLET, sort=("place", "suburb"))]
    assert office.fetch(place="R34914").record["place"] == "R34914"
    assert ("/lookup", "R34914") in office.standin.asked


# --- what the rest of the program finds


def test_nothing_fetched_is_none(tmp_path: Path) -> None:
    assert fetched_sources(tmp_path) is None
    (tmp_path / SOURCE).write_text("[1", "utf-8")
    assert fetched_sources(tmp_path) is None


def test_files_changed_since_are_not_passed_off_as_fetched(office: Office) -> None:
    office.fetch()
    (office.raw / BOUNDARY).write_text("{}", "utf-8")
    with pytest.raises(InputDataError, match=BOUNDARY):
        fetched_sources(office.raw)
    (office.raw / BOUNDARY).unlink()
    result = call("run", "--config", office.config(), "--out", office.folder)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert BOUNDARY in result.err


def test_another_place_than_the_configuration_names_is_refused(office: Office) -> None:
    office.fetch()
    result = call("check", "--config", office.config(area={"name": "别处"}), "--out", office.folder)
    assert result.code == 1
    assert "别处" in result.err
    assert PLACE in result.err


def test_what_is_fetched_is_found_beside_the_configuration_too(office: Office, tmp_path: Path) -> None:
    office.fetch()
    elsewhere = tmp_path / "elsewhere"
    result = call("run", "--config", office.config(), "--out", elsewhere, "--only", "ingest")
    assert result.code == 0, result.err
    assert OSM in result.out


def test_what_the_configuration_names_comes_first(office: Office, hamlet_osm: Path) -> None:
    office.fetch()
    config = write_config(
        office.folder / "config/named.toml", {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}}
    )
    result = call("run", "--config", config, "--out", office.folder, "--only", "ingest")
    assert result.code == 0, result.err
    assert hamlet_osm.name in result.out
    assert OSM not in result.out


def test_a_file_of_the_planner_is_never_written_over(office: Office) -> None:
    office.raw.mkdir(parents=True)
    (office.raw / BOUNDARY).write_text("mine", "utf-8")
    with pytest.raises(InputDataError, match=BOUNDARY):
        office.fetch()
    assert (office.raw / BOUNDARY).read_text("utf-8") == "mine"
    assert office.standin.asked == []


def test_a_swap_cut_short_is_seen_and_mended(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.fetch()
    replace = Path.replace

    def torn(self: Path, target: Path) -> Path:
        if target.name == BOUNDARY:
            raise PermissionError(13, "open in another program", str(target))
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", torn)
        result = call("fetch", "--config", office.config(area={"buffer_m": 100}), "--out", office.folder)
    assert result.code == 1
    assert "Traceback" not in result.err
    with pytest.raises(InputDataError, match=OSM):
        fetched_sources(office.raw)
    found = office.fetch(area={"buffer_m": 100})
    assert found.record["buffer_m"] == 100
    assert left_behind(office.raw) == {OSM, BOUNDARY, SOURCE}


def test_a_boundary_of_an_earlier_fetch_goes_when_the_planner_gives_one(office: Office) -> None:
    office.fetch()
    shutil.copyfile(office.raw / BOUNDARY, office.folder / "mine.geojson")
    office.fetch(area={"boundary": str(office.folder / "mine.geojson")})
    assert left_behind(office.raw) == {OSM, SOURCE}


# --- faults


def test_a_busy_server_is_asked_again(office: Office, slept: list[float]) -> None:
    office.standin.faults = [
        Fault("/search", 429, b"slow down"), Fault("/interpreter", 429, b"<html>", times=2), Fault("/interpreter", 504),
    ]  # fmt: skip
    lines: list[str] = []
    office.fetch(lines.append)
    assert slept.count(55) == 4
    assert len(office.standin.posts) == STEPS + 3
    assert sum("429" in line or "繁忙" in line for line in lines) == 4


def test_a_slot_that_is_not_free_is_waited_for(office: Office, slept: list[float]) -> None:
    busy = FREE.replace(
        "2 slots available now.", "Currently running queries (pid, space limit, time limit, start time):"
    )
    soon = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    later = FREE.replace("2 slots available now.", f"Slot available after: {soon}, in 30 seconds.")
    office.standin.faults = [
        Fault("/status", body=busy.encode(), times=2), Fault("/status", body=later.encode()), Fault("/status", body=b"?"),
    ]  # fmt: skip
    lines: list[str] = []
    office.fetch(lines.append)
    assert slept.count(5) == 2
    assert slept.count(60) == 1  # the page that cannot be read
    assert sum(20 < one <= 30 for one in slept) == 1
    assert sum("排队" in line for line in lines) == 1


def test_a_server_that_is_never_free_is_given_up(office: Office) -> None:
    busy = FREE.replace("2 slots available now.", "Currently running queries")
    office.standin.faults = [Fault("/status", body=busy.encode(), times=99)]
    with pytest.raises(FetchError, match="请求超过 20 次"):
        office.fetch(max_requests=20)


@pytest.mark.parametrize("status", [429, 504])
@pytest.mark.parametrize("path", ["/search", "/interpreter"])
def test_a_server_that_stays_busy_is_given_up(office: Office, slept: list[float], status: int, path: str) -> None:
    office.standin.faults = [Fault(path, status, times=99)]
    with pytest.raises(FetchError, match=f"HTTP {status}"):
        office.fetch(tries=3)
    assert sum(one.endswith(path) for one, _ in office.standin.asked) == 3
    assert slept.count(55) == 2
    assert left_behind(office.raw) == set()


LATER = (
    b"Connected as: 1\nCurrent time: x\nAnnounced endpoint: none\nRate limit: 2\n"
    b"Slot available after: 2099-01-01T00:00:00Z, in 99999 seconds.\n"
)
PAGE = b"<html><head><title>Portal</title></head><body>Please\x1b[31m log in</body></html>"
FAULTS = {
    "truncated": (Fault("/interpreter", cut=1000), "不完整"),
    "dropped": (Fault("/interpreter", drop=True), "中断|不完整"),
    "remark": (Fault("/interpreter", body=json.dumps({"elements": [], "remark": "runtime error: Query timed out in \"query\""}).encode()),
               "Query timed out"),
    "out of memory": (Fault("/interpreter", body=b'{"elements":[],"remark":"runtime error: Query run out of memory"}'), "out of memory"),
    "no elements": (Fault("/interpreter", body=b'{"hello":1}'), "无法使用"),
    "a list": (Fault("/interpreter", body=b"[]"), "无法使用"),
    "elements of another kind": (Fault("/interpreter", body=b'{"elements":[{"type":"node","id":"x"},5]}'), "格式不符"),
    "a page": (Fault("/interpreter", body=PAGE, kind="text/html"), "网页"),
    "a page called JSON": (Fault("/interpreter", body=PAGE), "网页"),
    "a page for Nominatim": (Fault("/search", body=PAGE, kind="text/html"), "网页"),
    "bad request": (Fault("/interpreter", 400, PAGE, kind="text/html"), "HTTP 400"),
    "JSON with an error": (Fault("/search", 500, b'{"error":"no"}'), "HTTP 500"),
    "moved": (Fault("/interpreter", 302, headers={"Location": "http://192.0.2.1/api"}), "192.0.2.1"),
    "moved, here": (Fault("/search", 301, headers={"Location": "/other"}), "/other"),
    "deep JSON": (Fault("/interpreter", body=b"[" * 200_000), "不完整"),
    "status forbids": (Fault("/status", 302, headers={"Location": "http://192.0.2.1/"}), "192.0.2.1"),
    "a slot in another century": (Fault("/status", body=LATER, kind="text/plain"), "2099"),
    "a slot at no time": (Fault("/status", body=LATER.replace(b"2099-01-01T00:00:00Z,", b"soon"), kind="text/plain"), "无法使用"),
    "results of another kind": (Fault("/search", body=b"[1]"), "无法使用"),
    "results without importance": (Fault("/search", body=b"[{}]"), "无法使用"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_a_server_end_in_a_message_and_leave_the_earlier_data(office: Office, name: str) -> None:
    office.raw.mkdir(parents=True)
    (office.raw / "roster.xlsx").write_bytes(b"mine")
    fault, said = FAULTS[name]
    office.standin.faults = [dataclasses.replace(fault)]
    result = call("fetch", "--config", office.config(), "--out", office.folder)
    assert result.code == 1, result.out
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    assert "<html" not in result.err
    assert re.search(said, result.err), result.err
    assert left_behind(office.raw) == {"roster.xlsx"}
    # what was at fault is not kept: the next call gets whole answers
    # (all ways of the hamlet but the island's street and its home, 650 m beyond the unit)
    assert office.fetch().record["counts"]["ways"] == len(office.standin.extract.items["way"]) - 2


def test_an_incomplete_answer_is_not_kept_and_the_next_call_asks_again(office: Office) -> None:
    office.standin.faults = [
        Fault("/interpreter", times=0),
        Fault("/interpreter", body=b'{"elements":[],"remark":"runtime error"}'),
    ]
    with pytest.raises(FetchError):
        office.fetch()
    cached = [path for path in (office.raw / ".cache").rglob("*.json") if "place-" not in str(path)]
    assert cached == []
    office.fetch()
    assert left_behind(office.raw) == {OSM, BOUNDARY, SOURCE}


def test_a_failed_fetch_leaves_the_earlier_one(office: Office) -> None:
    office.fetch()
    before = files_of(office.raw)
    office.standin.faults = [Fault("/interpreter", cut=100, times=99)]
    with pytest.raises(FetchError):
        office.fetch()
    assert {name: digest for name, digest in files_of(office.raw).items() if not name.startswith(".cache/")} == before


def test_places(office: Office) -> None:
    point, line = shapely.Point(24.94, 60.17), shapely.LineString([(24.94, 60.17), (24.95, 60.17)])
    office.standin.places |= {
        "点": [nominatim_result(point, osm_type="node")],
        "线": [nominatim_result(line)],
        "楼": [nominatim_result(HAMLET, sort=("building", "yes"), osm_type="way")],
        "N5": [nominatim_result(point, osm_type="node")],
        "W5": [nominatim_result(line, osm_type="way")],
    }
    for place, said in {"无此地": "找不到", "点": "没有边界", "线": "没有边界", "楼": "不是行政区", "N5": "没有边界",
                        "W5": "没有边界", "R99": "找不到"}.items():  # fmt: skip
        with pytest.raises(FetchError, match=said):
            office.fetch(place=place)
    assert office.standin.posts == []
    assert left_behind(office.raw) == set()


def test_the_first_result_is_not_taken_when_it_is_a_point(office: Office) -> None:
    """As for many Chinese districts: the seat of government ranks above the district."""
    seat = nominatim_result(shapely.Point(24.94, 60.17), importance=0.9, osm_type="node", sort=("place", "city"))
    office.standin.places[PLACE] = [seat, nominatim_result(HAMLET, importance=0.5)]
    assert office.fetch().record["osm_id"] == "R34914"


def test_a_boundary_in_pieces_or_crossing_itself(office: Office) -> None:
    """Two triangles that meet in the middle, as a bow tie is drawn; each is a quarter of the hamlet."""
    corners = [degrees(*one) for one in ((-50, -50), (850, 850), (850, -50), (-50, 850), (-50, -50))]
    office.standin.places[PLACE] = [nominatim_result(shapely.Polygon(corners))]
    found = office.fetch()
    assert found.boundary is not None
    shape = shapely.from_geojson(json.dumps(json.loads(found.boundary.read_text("utf-8"))["features"][0]["geometry"]))
    assert shape.is_valid
    assert shape.area == pytest.approx(HAMLET.area / 2, rel=1e-3)


def test_a_large_area_is_asked_for_in_parts(office: Office) -> None:
    """2.5 km by 2.5 km and slack, by half square kilometres: osmnx would warn of more than ten."""
    found = office.fetch(area={"buffer_m": 800}, max_query_km2=0.5)
    assert 12 < found.record["answers"]["streets"] < 60
    # all but the island's home, 988 m from the unit; its street is nearer to what osmnx asks for, 500 m more
    assert found.record["counts"]["ways"] == len(office.standin.extract.items["way"]) - 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(300, 20_000), min_size=5, max_size=60), st.sampled_from([0.0, 200.0, 2000.0]))
def test_what_is_asked_for_covers_the_area_with_few_corners(radii: list[float], buffer_m: float) -> None:
    turns = [2 * math.pi * place / len(radii) for place in range(len(radii))]
    ring = [(r * math.cos(t), r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]
    east, north = project(np.asarray([helpers.PLACE]), 4326, 4548)[0]
    metric = shapely.make_valid(shapely.Polygon([(east + x, north + y) for x, y in ring]))
    area = Area(
        "x", project_geometry(metric, 4548, 4326), 4548, metric, metric.buffer(buffer_m) if buffer_m else metric
    )
    outline = query_outline(area)
    assert outline.geom_type == "Polygon"
    assert outline.is_valid
    assert not outline.interiors
    back = project_geometry(outline, 4326, 4548)
    assert back.buffer(0.01).covers(area.buffered)
    solid = shapely.union_all([shapely.Polygon(one.exterior) for one in shapely.get_parts([area.buffered])])
    assert solid.buffer(250).covers(back)


def test_an_area_without_streets(office: Office) -> None:
    office.standin.places["海上"] = [nominatim_result(shapely.box(25.5, 59.8, 25.51, 59.81))]
    with pytest.raises(InputDataError, match="没有街道"):
        office.fetch(place="海上")
    assert left_behind(office.raw) == set()


def test_an_area_too_large_is_refused_before_anything_is_asked(office: Office) -> None:
    with pytest.raises(InputDataError, match="max_area_km2"):
        office.fetch(max_area_km2=0.5)
    assert office.standin.posts == []


def test_offline(office: Office) -> None:
    config = office.config()
    office.standin.close()
    result = call("fetch", "--config", config, "--out", office.folder)
    assert result.code == 1
    assert "未联网" in result.err
    assert "Traceback" not in result.err
    with pytest.raises(OfflineError):
        fetch(config, office.folder)
    assert left_behind(office.raw) == set()


def test_offline_between_two_requests(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """osmnx swallows that the status page cannot be reached, pauses, and then fails on the query itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    with pytest.raises(OfflineError, match=str(closed)):
        office.fetch(overpass_url=f"http://127.0.0.1:{closed}/api")


def test_a_slow_answer_is_given_up(office: Office) -> None:
    office.standin.faults = [Fault("/interpreter", silent=True)]
    with pytest.raises(FetchError, match="超时"):
        office.fetch(timeout_s=1)


def test_a_huge_answer_is_not_read_to_its_end(office: Office) -> None:
    office.standin.faults = [Fault("/interpreter", body=b" " * 3_000_000)]
    with pytest.raises(FetchError, match="max_mb"):
        office.fetch(max_mb=1)


def test_requests_are_bounded(office: Office) -> None:
    with pytest.raises(FetchError, match="请求超过 4 次"):
        office.fetch(max_requests=4)
    assert len(office.standin.asked) == 5
    assert left_behind(office.raw) == set()


def test_time_is_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def say(line: str) -> None:
        now[0] += 40.0

    with pytest.raises(FetchError, match="超过 1 分钟"):
        office.fetch(say, max_minutes=1)


def test_a_name_that_no_server_answers_to_asks_no_other_host(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """osmnx would ask a name server abroad (8.8.8.8) where the local one does not know a host."""

    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OfflineError):
        office.fetch(nominatim_url="http://nominatim.invalid/", overpass_url="http://overpass.invalid/api")


def test_a_proxy_is_used(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "gethostbyname", unknown)
    monkeypatch.setenv("http_proxy", office.standin.url)
    monkeypatch.setenv("no_proxy", "")
    found = office.fetch(nominatim_url="http://nominatim.invalid", overpass_url="http://overpass.invalid/api")
    assert found.record["overpass"] == "http://overpass.invalid/api"
    assert len(office.standin.posts) == STEPS


def test_what_osmnx_had_set_is_put_back(office: Office) -> None:
    import osmnx as ox

    names = (
        "cache_folder",
        "overpass_url",
        "requests_kwargs",
        "doh_url_template",
        "cache_only_mode",
        "requests_timeout",
    )
    before, resolver = [getattr(ox.settings, name) for name in names], socket.getaddrinfo
    office.fetch()
    office.standin.faults = [Fault("/interpreter", 500)]
    with pytest.raises(FetchError):
        office.fetch()
    assert [getattr(ox.settings, name) for name in names] == before
    assert socket.getaddrinfo is resolver


# --- cut short, and gone on with


class Interrupted:
    """Ctrl-C after so many answers."""

    def __init__(self, after: int) -> None:
        self.after, self.lines = after, []

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self.after -= line.startswith("  收到")
        if self.after == 0:
            self.after = 99
            raise KeyboardInterrupt


def test_a_fetch_cut_short_goes_on_where_it_stopped(office: Office) -> None:
    say = Interrupted(after=4)  # the place and two steps are kept; the third answer came but was not yet written down
    with pytest.raises(KeyboardInterrupt):
        office.fetch(say)
    assert "make data" in say.lines[-1]
    assert left_behind(office.raw) == set()
    assert len(office.standin.posts) == 3
    first, office.standin.asked = office.standin.asked, []
    office.fetch()
    assert [path for path, _ in office.standin.asked if path == "/search"] == []
    assert len(office.standin.posts) == STEPS - 2
    assert office.standin.posts[0] == first[-1][1]
    resumed = files_of(office.raw)
    office.fetch()
    assert files_of(office.raw) == resumed


def test_answers_torn_or_old_are_asked_for_again(office: Office) -> None:
    with pytest.raises(KeyboardInterrupt):
        office.fetch(Interrupted(after=4))
    cached = sorted(path for path in (office.raw / ".cache").rglob("*.json") if "place-" not in str(path))
    assert len(cached) == 2
    cached[0].write_bytes(cached[0].read_bytes()[:500])
    long_ago = time.time() - 4 * 86400
    os.utime(cached[1], (long_ago, long_ago))
    office.standin.asked.clear()
    office.fetch()
    assert len(office.standin.posts) == STEPS


def test_another_question_does_not_take_the_answers_of_an_earlier_one(office: Office) -> None:
    with pytest.raises(KeyboardInterrupt):
        office.fetch(Interrupted(after=4))
    office.standin.asked.clear()
    office.fetch(area={"buffer_m": 100})
    assert len(office.standin.posts) == STEPS


def test_ctrl_c_on_the_command_line(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", stop)
    result = call("fetch", "--config", office.config(), "--out", office.folder)
    assert result.code == 1
    assert "已保留" in result.out
    assert "Traceback" not in result.err


# --- merging answers


def write_answers(folder: Path, answers: list[tuple[str, list[dict[str, Any]]]]) -> list[Path]:
    paths = []
    for number, (date, elements) in enumerate(answers):
        path = folder / f"{number}.json"
        path.write_text(json.dumps({"osm3s": {"timestamp_osm_base": date}, "elements": elements}), "utf-8")
        paths.append(path)
    return paths


def node(identity: int, lon: float = 1.0, **tags: str) -> dict[str, Any]:
    return {"type": "node", "id": identity, "lat": 2.0, "lon": lon, **({"tags": tags} if tags else {})}


def test_of_two_versions_the_later_counts(tmp_path: Path) -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
    paths = write_answers(tmp_path, [(late, [node(1, 5.0)]), (early, [node(1, 9.0), node(2)])])
    for order in (paths, paths[::-1]):
        found = merge_answers(order)
        assert found.nodes == {1: (5.0, 2.0, {}), 2: (1.0, 2.0, {})}
        assert found.dates == [early, late]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "2026-01-01", "2026-01-02"]), st.lists(
    st.builds(node, st.integers(1, 4), st.sampled_from([1.0, 2.0, 3.0])), max_size=4)), min_size=1, max_size=4), st.randoms())  # fmt: skip
def test_the_order_of_answers_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, answers: Any, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("answers")
    one = merge_answers(write_answers(folder, answers))
    random.shuffle(answers)
    two = merge_answers(write_answers(folder, answers))
    assert (one.nodes, one.dates) == (two.nodes, two.dates)
    # plainly: of the latest date that holds a node, the greatest place
    for identity, (lon, _, _) in one.nodes.items():
        seen = [(date, item["lon"]) for date, items in answers for item in items if item["id"] == identity]
        assert lon == max(seen)[1]


@pytest.mark.parametrize(
    "item",
    [
        5, {}, {"type": "area", "id": 1}, {"type": "node", "id": True, "lat": 1, "lon": 1}, {"type": "node", "id": 1},
        {"type": "node", "id": 1, "lat": 95, "lon": 1}, {"type": "node", "id": 1, "lat": float("nan"), "lon": 1},
        {"type": "way", "id": 1, "nodes": ["x"]}, {"type": "way", "id": 1, "nodes": [1], "tags": {"a": 1}},
        {"type": "way", "id": 1, "nodes": [1], "tags": []}, {"type": "relation", "id": 1, "members": [{"type": "x", "ref": 1}]},
        {"type": "relation", "id": 1, "members": [{"type": "way"}]}, {"type": "way", "id": 1, "nodes": None},
    ],
)  # fmt: skip
def test_elements_that_are_none(tmp_path: Path, item: Any) -> None:
    with pytest.raises(InputDataError, match="格式不符") as caught:
        merge_answers(write_answers(tmp_path, [("", [node(1), item, item])]))
    assert len(caught.value.first) == 2


def test_hostile_tags_are_written_as_they_are_or_refused(tmp_path: Path) -> None:
    text = '=1+1"<script>\x1b[31m第一\n'
    paths = write_answers(tmp_path, [("", [node(1, name=text, amenity="kindergarten")])])
    write_extract(merge_answers(paths), tmp_path / "x.osm.pbf", (0, 0, 1, 1), "")
    found = read_features(tmp_path / "x.osm.pbf", [("amenity", "kindergarten")], ())
    assert found.nodes[0][3]["name"] == text
    paths = write_answers(tmp_path, [("", [node(1, name="x" * 5000)])])
    with pytest.raises(InputDataError, match="无法写出"):
        write_extract(merge_answers(paths), tmp_path / "y.osm.pbf", (0, 0, 1, 1), "")


def test_no_slot_is_asked_for_where_the_server_has_none(office: Office) -> None:
    office.fetch(rate_limit=False)
    assert not any(path.endswith("/status") for path, _ in office.standin.asked)


def test_every_key_of_fetch_is_used_by_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    for key in FetchConfig.model_fields:
        assert re.search(rf"office\.fetch\([^)]*\b{key}=|there = .*\b{key}\b", text), key


def test_settings_of_fetch_change_no_run(office: Office, hamlet_osm: Path) -> None:
    def run(**limits: Any) -> str:
        there = {"area": {"name": "村"}, "sources": {"osm": str(hamlet_osm)}, "fetch": limits}
        result = call("run", "--config", write_config(office.folder / "c.toml", there), "--out", office.folder / "o",
                      "--only", "network")  # fmt: skip
        assert result.code == 0
        return result.out

    assert "没有变化" not in run(max_mb=10)
    assert "没有变化" in run(max_mb=20, place="别处")


def test_settings_are_checked(tmp_path: Path) -> None:
    from xiqing_space.config import read_config

    for settings_, said in (
        ({"plaace": "x"}, "place"), ({"overpass_url": "ftp://x/"}, "overpass_url"), ({"timeout_s": 0}, "timeout_s"),
        ({"nominatim_url": "file:///etc/passwd"}, "nominatim_url"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=said):
            read_config(write_config(tmp_path / "c.toml", {"area": {"name": "x"}, "fetch": settings_}))
    assert read_config(Path("config/xiqing.toml")).fetch.place in ("", "天津市西青区")
