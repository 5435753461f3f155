"""OpenStreetMap extracts (.osm.pbf, .osm, …) through pyosmium: header, order, and everything but streets in one pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from osmium.filter import TagFilter

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.errors import InputDataError
from xiqing_space.memory import collection_paused

_FACILITY_KEYS = ("amenity", "healthcare", "leisure", "tourism")
_LIFECYCLE = ("construction", "planned", "proposed", "disused", "abandoned")
# a building that carries one of these is more than a building
_ALSO_AREAS = ("landuse", *_FACILITY_KEYS, *(f"{stage}:{key}" for stage in _LIFECYCLE for key in _FACILITY_KEYS))
_LINE_KEYS = ("barrier", "waterway", "railway", "natural", "highway")


@dataclass(frozen=True)
class Header:
    """What the file says of itself."""

    box: tuple[float, float, float, float] | None
    date: str
    generator: str = ""


@dataclass
class Features:
    """Everything but streets. Geometry of areas and lines is WKB in hex, degrees."""

    nodes: list[tuple[int, float, float, dict[str, str]]] = field(default_factory=list)
    areas: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    lines: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    buildings: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    clipped_areas: int = 0
    clipped_lines: int = 0
    _metric: dict[int, NDArray[np.object_]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def building_shapes(self) -> NDArray[np.object_]:
        """Shapes of `buildings`, degrees."""
        return shapes_of(wkb for *_, wkb in self.buildings)

    def metric_buildings(self, metric_epsg: int) -> NDArray[np.object_]:
        """Shapes of `buildings` in a metric system, projected once: homes and obstacles both look at them all."""
        if metric_epsg not in self._metric:
            self._metric[metric_epsg] = project_geometry(self.building_shapes, GEOGRAPHIC, metric_epsg)
        return self._metric[metric_epsg]


def shapes_of(drawn: Iterable[Any]) -> NDArray[np.object_]:
    """Shapes of WKB in hex, read all at once; what is a shape already stays. GEOS itself is slow at hex."""
    shapes: NDArray[np.object_] = np.asarray(
        [bytes.fromhex(one) if isinstance(one, str) else one for one in drawn], dtype=object
    )
    coded = np.asarray([isinstance(one, bytes) for one in shapes], dtype=bool)
    shapes[coded] = shapely.from_wkb(shapes[coded])
    return shapes


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn pyosmium's errors into one message; collection is paused meanwhile."""
    try:
        with collection_paused():
            yield
    except (RuntimeError, UnicodeDecodeError, osmium.InvalidLocationError) as error:
        kind = UnsortedError if "out of order" in str(error) or "twice" in str(error) else InputDataError
        raise kind(
            f"无法读取 OSM 文件 / cannot read the OSM file: {error}",
            where=path.name,
            todo="文件可能不完整或格式不符，请重新下载 / the file may be truncated or of another format; fetch it again",
        ) from error


class UnsortedError(InputDataError):
    """An extract that is not in the order of type and id, or holds something twice; areas need it sorted."""


def sort_extract(path: Path, folder: Path) -> Path:
    """A copy of an extract in the order of type and id, under the same name."""
    target = folder / path.name
    reader = osmium.MergeInputReader()
    reader.add_file(str(path))
    with osmium.SimpleWriter(str(target), overwrite=True) as writer:
        reader.apply(writer)
    return target


def check_file(path: Path) -> None:
    """Raise `InputDataError` for an empty file or one whose name is no OSM format."""
    if path.stat().st_size == 0:
        raise InputDataError("文件是空的 / the file is empty", where=path.name, todo="请重新下载 / fetch it again")
    if not path.name.endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2", ".xml", ".opl")):
        raise InputDataError(
            "不是 OSM 文件 / not an OSM file",
            where=path.name,
            todo="应为 .osm.pbf 或 .osm / give an .osm.pbf or .osm file",
        )


def read_header(path: Path) -> Header:
    """Bounding box (west, south, east, north) and date of the file, where it states them."""
    check_file(path)
    with guarded(path):
        header = osmium.FileProcessor(str(path)).header
    boxes = [box for box in header.box_list() if box.valid()] if hasattr(header, "box_list") else [header.box()]
    corners = [(box.bottom_left, box.top_right) for box in boxes if box.valid()]
    found = None
    if len(corners) == 1:  # of several, as editors write them, none is the extent
        low, high = corners[0]
        found = (low.lon, low.lat, high.lon, high.lat)
    stamp = header.get("osmosis_replication_timestamp") or header.get("timestamp") or ""
    try:
        date = dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).date().isoformat() if stamp else ""
    except ValueError:
        date = ""
    return Header(found, date, header.get("generator") or "")


def _tags(item: Any) -> dict[str, str]:
    tags = item.tags
    # told when to stop: pyosmium's own end of a list is a C++ exception, dearer than the tags
    return dict(islice(tags, len(tags)))


def read_features(path: Path, pairs: Iterable[tuple[str, str]], building_keys: tuple[str, ...]) -> Features:
    """Points, lines and areas that are not streets.

    Parameters
    ----------
    path : Path
        Any file that pyosmium reads.
    pairs : iterable of (key, value)
        Only what carries one of these tags is read; pyosmium filters before Python sees an object.
    building_keys : tuple of str
        The tags of buildings that are kept (reading all of them is slow).
    """
    check_file(path)
    found = Features()
    wkb = osmium.geom.WKBFactory()
    wanted = TagFilter(*sorted(set(pairs)))
    expected: set[str] = set()
    made: set[str] = set()
    with guarded(path):
        for item in osmium.FileProcessor(str(path)).with_areas(wanted).with_filter(wanted):
            if item.is_node():
                found.nodes.append((item.id, item.location.lon, item.location.lat, _tags(item)))
            elif item.is_area():
                made.add(_add_area(found, item, wkb, building_keys))
            elif item.is_way():
                if _add_way(found, item, wkb):
                    expected.add(f"osm:w{item.id}")
            elif item.tags.get("type") in ("multipolygon", "boundary"):
                expected.add(f"osm:r{item.id}")
    found.clipped_areas = len(expected - made)
    return found


def _add_area(found: Features, item: Any, wkb: Any, building_keys: tuple[str, ...]) -> str:
    identity = f"osm:{'w' if item.from_way() else 'r'}{item.orig_id()}"
    shape = wkb.create_multipolygon(item)
    tags = _tags(item)
    if "building" in tags:
        found.buildings.append((identity, {key: tags[key] for key in building_keys if key in tags}, shape))
        if tags.keys().isdisjoint(_ALSO_AREAS):
            return identity
    found.areas.append((identity, tags, shape))
    return identity


def _add_way(found: Features, item: Any, wkb: Any) -> bool:
    """Keep a way that is a line; returns whether it ought to come again as an area."""
    key = None if "building" in item.tags else next((key for key in _LINE_KEYS if key in item.tags), None)
    closed = bool(item.is_closed())
    areal = closed and key not in ("barrier", "highway", "railway")
    if key is None:
        return areal
    identity, tags = f"osm:w{item.id}", _tags(item)
    try:
        found.lines.append((identity, tags, wkb.create_linestring(item)))
    except (osmium.InvalidLocationError, RuntimeError):
        found.clipped_lines += 1
        for part, coords in enumerate(_valid_parts(item)):
            name = f"{identity}:{part + 1}" if part else identity
            found.lines.append((name, tags, shapely.to_wkb(shapely.LineString(coords), hex=True)))
    return areal


def _valid_parts(way: Any) -> list[list[tuple[float, float]]]:
    """The stretches of a clipped way whose nodes exist."""
    parts: list[list[tuple[float, float]]] = [[]]
    for node in way.nodes:
        if node.location.valid():
            parts[-1].append((node.location.lon, node.location.lat))
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if len(part) > 1]
