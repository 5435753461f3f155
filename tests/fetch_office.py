"""A planner's folder whose `make data` asks the stand-in: fixtures that no other host and no pause gets past."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import shapely
from helpers import box, degrees, files_of, write_config
from standin import Extract, StandIn, nominatim_result

from xiqing_space.catalog import load_catalogue
from xiqing_space.fetch import fetch
from xiqing_space.ingest.overpass import plan_steps

PLACE = "示例村"
# the hamlet, and an invented unit in the middle of Helsinki's extract: with 200 m round it, it still lies within
HAMLET = shapely.Polygon([degrees(*one) for one in box(-50, -50, 850, 850)])
UNIT = shapely.box(24.9398, 60.1672, 24.9488, 60.1760)
_UTM: dict[str, Any] = {}
STEPS = len(plan_steps(load_catalogue()))


@pytest.fixture(scope="module")
def small_extract(hamlet_osm: Path) -> Extract:
    """The hamlet, as a server holds it."""
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
    """A server of one's own that knows the hamlet."""
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
    """A planner's folder in the hamlet."""
    return Office(tmp_path, standin)


def left_behind(raw: Path) -> set[str]:
    """Files of data/raw but for the cache."""
    return {name for name in files_of(raw) if not name.startswith(".cache/")} if raw.is_dir() else set()
