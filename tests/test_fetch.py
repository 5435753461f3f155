"""`make data` through osmnx's own HTTP code, against a stand-in for Overpass and Nominatim on 127.0.0.1."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import osmium
import pandas as pd
import pytest
import shapely
from fetch_office import (
    HAMLET,
    PLACE,
    STEPS,
    UNIT,
    Office,
    left_behind,
    office,
    only_this_machine,
    quick_utm,
    slept,
    small_extract,
    standin,
)
from helpers import call, files_of, table, write_config, write_geojson
from standin import DATE, Extract, nominatim_result

from xiqing_space.catalog import load_catalogue
from xiqing_space.config import FetchConfig
from xiqing_space.errors import ConfigError, InputDataError
from xiqing_space.fetch import BOUNDARY, OSM, SOURCE, fetched_sources
from xiqing_space.ingest.osm import read_header
from xiqing_space.ingest.overpass import plan_steps

__all__ = ["office", "only_this_machine", "quick_utm", "slept", "small_extract", "standin"]


@pytest.fixture(scope="module")
def extract(helsinki: Path) -> Extract:
    return Extract(helsinki)


@pytest.fixture
def city(office: Office, extract: Extract) -> Office:
    """The same office, in Helsinki."""
    office.standin.extract = extract
    office.standin.places[PLACE] = [nominatim_result(UNIT)]
    return office


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


# --- settings


def test_no_slot_is_asked_for_where_the_server_has_none(office: Office) -> None:
    office.fetch(rate_limit=False)
    assert not any(path.endswith("/status") for path, _ in office.standin.asked)


def test_every_key_of_fetch_is_used_by_a_test() -> None:
    text = "\n".join(path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*fetch*.py")))
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
