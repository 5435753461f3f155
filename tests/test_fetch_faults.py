"""`make data` where something is wrong: busy or broken servers, odd places, no network, limits, an interruption."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import re
import socket
import time
from typing import Any

import pytest
import shapely
from fetch_office import (
    HAMLET,
    PLACE,
    STEPS,
    Office,
    left_behind,
    office,
    only_this_machine,
    quick_utm,
    slept,
    small_extract,
    standin,
)
from helpers import call, degrees, files_of
from standin import FREE, Fault, nominatim_result

from xiqing_space.errors import InputDataError
from xiqing_space.fetch import BOUNDARY, OSM, SOURCE, fetch
from xiqing_space.ingest.online import FetchError, OfflineError

__all__ = ["office", "only_this_machine", "quick_utm", "slept", "small_extract", "standin"]

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
