"""OpenStreetMap extracts (.osm.pbf, .osm, …) through pyosmium: streets in two light passes, everything else in one.

pyosmium hands out a Python object per node reference, which costs more than all else, so streets are read as WKB first;
places where two ways share a coordinate are found with numpy; and only there are node ids asked for, in a second pass.
Streets still join only where they share a *node*: a shared coordinate alone splits nothing.
"""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray
from osmium.filter import KeyFilter, TagFilter
from osmium.osm import WAY

from xiqing_space.errors import InputDataError

STREET_TAGS = ("highway", "name", "ref", "layer", "bridge", "tunnel", "foot", "access")
STEPS_TAGS = ("ramp", "ramp:stroller", "ramp:wheelchair")  # asked of steps only: each question costs time
ROAD_TAGS = ("motorroad",)  # asked of large roads only
_LARGE_ROADS = ("trunk", "trunk_link", "primary", "primary_link")
_LINE_KEYS = ("barrier", "waterway", "railway", "natural", "highway")


@dataclass(frozen=True)
class Header:
    """What the file says of itself."""

    box: tuple[float, float, float, float] | None
    date: str
    generator: str = ""


@dataclass(frozen=True)
class StreetWays:
    """Highway ways cut at junctions, in degrees; one row per edge.

    Attributes
    ----------
    way_id, u, v : int64 (n,)
        OSM way and the nodes at both ends, in the way's direction.
    way_row : int64 (n,)
        Row of the way in `tags`.
    lonlat : float64 (m, 2)
        Vertices of all edges, one after the other.
    start : int64 (n + 1,)
        Where each edge's vertices begin in `lonlat`.
    tags : dict of str to list
        Per way, in file order.
    clipped, missing : int
        Ways that refer to absent nodes, and how many nodes are absent.
    """

    way_id: NDArray[np.int64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    way_row: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    start: NDArray[np.int64]
    tags: dict[str, list[str | None]]
    clipped: int
    missing: int


@dataclass
class Features:
    """Everything but streets. Geometry of areas and lines is WKB in hex, degrees."""

    nodes: list[tuple[int, float, float, dict[str, str]]] = field(default_factory=list)
    areas: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    lines: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    buildings: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    clipped_areas: int = 0
    clipped_lines: int = 0


def _objects(path: Path, processor: Any) -> Iterator[Any]:
    """Iterate, turning pyosmium's errors into one message."""
    collecting = gc.isenabled()
    gc.disable()  # a million small objects and no cycles among them: collection would only cost time
    try:
        yield from processor
    except (RuntimeError, osmium.InvalidLocationError) as error:
        kind = UnsortedError if "out of order" in str(error) else InputDataError
        raise kind(
            f"无法读取 OSM 文件 / cannot read the OSM file: {error}",
            where=path.name,
            todo="文件可能不完整或格式不符，请重新下载 / the file may be truncated or of another format; fetch it again",
        ) from error
    finally:
        if collecting:
            gc.enable()


class UnsortedError(InputDataError):
    """An extract that is not in the order of type and id, which areas need."""


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
    try:
        header = osmium.FileProcessor(str(path)).header
    except RuntimeError as error:
        raise InputDataError(
            f"无法读取 OSM 文件 / cannot read the OSM file: {error}",
            where=path.name,
            todo="文件可能不完整或格式不符 / the file may be truncated or of another format",
        ) from error
    box, found = header.box(), None
    if box.valid():
        low, high = box.bottom_left, box.top_right
        found = (low.lon, low.lat, high.lon, high.lat)
    stamp = header.get("osmosis_replication_timestamp") or header.get("timestamp") or ""
    try:
        date = dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).date().isoformat() if stamp else ""
    except ValueError:
        date = ""
    return Header(found, date, header.get("generator") or "")


def _valid_parts(way: Any) -> tuple[list[tuple[list[int], list[float]]], int]:
    """The stretches of a clipped way whose nodes exist, and how many nodes do not."""
    parts: list[tuple[list[int], list[float]]] = []
    refs: list[int] = []
    flat: list[float] = []
    missing = 0
    for node in way.nodes:
        if node.location.valid():
            refs.append(node.ref)
            flat += [node.location.lon, node.location.lat]
            continue
        missing += 1
        if len(refs) > 1:
            parts.append((refs, flat))
        refs, flat = [], []
    if len(refs) > 1:
        parts.append((refs, flat))
    return parts, missing


def read_street_ways(path: Path, gate_values: tuple[str, ...]) -> StreetWays:
    """All highway ways, cut where they share a node with another way, at mapped crossings and at gates.

    Parameters
    ----------
    path : Path
        Any file that pyosmium reads.
    gate_values : tuple of str
        Values of `barrier` on a node at which a street is cut.

    Raises
    ------
    InputDataError
        The file cannot be read, or holds no street.
    """
    check_file(path)
    wkb = osmium.geom.WKBFactory()
    every = osmium.geom.use_nodes.ALL
    way_ids: list[int] = []
    columns: list[list[str | None]] = [[] for _ in STREET_TAGS]
    rare: dict[str, dict[int, str]] = {key: {} for key in (*STEPS_TAGS, *ROAD_TAGS)}
    whole: list[str] = []  # WKB of the ways that are complete
    whole_row: list[int] = []
    parts: list[tuple[int, list[int], list[float]]] = []  # (row, refs, lon lat …) of clipped ways
    cut_at: dict[int, tuple[float, float]] = {}
    clipped = missing = 0
    gates = set(gate_values)
    others = list(zip(STREET_TAGS[1:], columns[1:], strict=True))
    processor = osmium.FileProcessor(str(path)).with_locations().with_filter(KeyFilter("highway", "barrier"))
    for item in _objects(path, processor):
        if item.is_node():
            if item.tags.get("highway") == "crossing" or item.tags.get("barrier") in gates:
                cut_at[item.id] = (item.location.lon, item.location.lat)
            continue
        if not item.is_way() or (highway := item.tags.get("highway")) is None:
            continue
        row = len(way_ids)
        way_ids.append(item.id)
        get = item.tags.get
        columns[0].append(highway)
        for key, column in others:
            column.append(get(key))
        if highway == "steps" or highway in _LARGE_ROADS:
            for key in STEPS_TAGS if highway == "steps" else ROAD_TAGS:
                if (value := get(key)) is not None:
                    rare[key][row] = value
        try:
            whole.append(wkb.create_linestring(item, every))
            whole_row.append(row)
        except (osmium.InvalidLocationError, RuntimeError):
            found, absent = _valid_parts(item)
            clipped += absent > 0
            missing += absent
            parts += [(row, refs, flat) for refs, flat in found]
    if not way_ids:
        raise InputDataError(
            "文件里没有街道 / there is no street in the file",
            where=path.name,
            todo="换用含 highway 的 OSM 数据 / use OSM data that hold highways",
        )
    tags = dict(zip(STREET_TAGS, columns, strict=True))
    for key, values in rare.items():
        tags[key] = [values.get(row) for row in range(len(way_ids))] if values else [None] * len(way_ids)
    rows, lonlat, start, known = _stretches(whole, whole_row, parts)
    wanted = _candidates(lonlat, start, known, cut_at)
    refs = _refs_at(path, wanted, start, rows, known, len(whole))
    return _cut(np.asarray(way_ids, dtype=np.int64), tags, rows, lonlat, start, wanted, refs, cut_at, clipped, missing)


def _stretches(
    whole: list[str], whole_row: list[int], parts: list[tuple[int, list[int], list[float]]]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """All stretches as one vertex array: complete ways first, then what is left of clipped ones (with their refs)."""
    # each WKB is 9 bytes (order, type, number of points) and then 16 bytes a point, in hex
    sizes = np.asarray([len(text) // 2 for text in whole], dtype=np.int64)
    raw = np.frombuffer(bytes.fromhex("".join(whole)), dtype=np.uint8)
    head = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    body = np.ones(len(raw), dtype=bool)
    body[(head[:, None] + np.arange(9)).ravel()] = False
    tail = np.asarray([value for _, _, flat in parts for value in flat], dtype=np.float64).reshape(-1, 2)
    lonlat = np.concatenate([raw[body].view("<f8").reshape(-1, 2), tail])
    counts = np.concatenate([(sizes - 9) // 16, [len(refs) for _, refs, _ in parts]]).astype(np.int64)
    rows = np.asarray([*whole_row, *(row for row, _, _ in parts)], dtype=np.int64)
    start = np.concatenate([[0], np.cumsum(counts)])
    known = np.asarray([ref for _, refs, _ in parts for ref in refs], dtype=np.int64)
    return rows, lonlat, start, known


def _place_key(lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
    """One whole number per place on OSM's own grid of 1e-7 degree."""
    grid = np.round(lonlat * 1e7).astype(np.int64)
    key: NDArray[np.int64] = grid[:, 0] * 4_000_000_000 + grid[:, 1]
    return key


def _candidates(
    lonlat: NDArray[np.float64],
    start: NDArray[np.int64],
    known: NDArray[np.int64],
    cut_at: dict[int, tuple[float, float]],
) -> NDArray[np.int64]:
    """Vertices at which an edge may end: ends of stretches, shared coordinates, crossings and gates, known ids."""
    key = _place_key(lonlat)
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    chosen = np.isin(key, _place_key(np.asarray(list(cut_at.values()), dtype=np.float64).reshape(-1, 2)))
    chosen[order[1:][same]] = True
    chosen[order[:-1][same]] = True
    filled = start[:-1] < start[1:]
    chosen[start[:-1][filled]] = True
    chosen[start[1:][filled] - 1] = True
    if len(known):
        chosen[len(key) - len(known) :] = True
    return np.flatnonzero(chosen)


def _refs_at(
    path: Path,
    wanted: NDArray[np.int64],
    start: NDArray[np.int64],
    rows: NDArray[np.int64],
    known: NDArray[np.int64],
    n_whole: int,
) -> NDArray[np.int64]:
    """Node ids at the wanted vertices: those of complete ways from a second pass, the others from the first."""
    first_known = start[n_whole]
    head = wanted[wanted < first_known]
    stretch = np.searchsorted(start, head, side="right") - 1
    inside = (head - start[stretch]).tolist()
    bounds = np.searchsorted(stretch, np.arange(n_whole + 1)).tolist()
    row_of = rows[:n_whole].tolist()
    refs: list[int] = []
    row, at = -1, 0
    processor = osmium.FileProcessor(str(path), WAY).with_filter(KeyFilter("highway"))
    for way in _objects(path, processor):
        row += 1
        if at >= n_whole or row != row_of[at]:
            continue
        nodes = way.nodes
        refs += [nodes[position].ref for position in inside[bounds[at] : bounds[at + 1]]]
        at += 1
    tail = known[wanted[wanted >= first_known] - first_known]
    return np.concatenate([np.asarray(refs, dtype=np.int64), tail])


def _cut(
    way_ids: NDArray[np.int64], tags: dict[str, list[str | None]], rows: NDArray[np.int64], lonlat: NDArray[np.float64],
    start: NDArray[np.int64], wanted: NDArray[np.int64], refs: NDArray[np.int64], cut_at: dict[int, tuple[float, float]], clipped: int,
    missing: int,
) -> StreetWays:  # fmt: skip
    stretch = np.searchsorted(start, wanted, side="right") - 1
    at_end = (wanted == start[stretch]) | (wanted == start[stretch + 1] - 1)
    _, inverse, counts = np.unique(refs, return_inverse=True, return_counts=True)
    cuts = at_end | (counts[inverse] > 1)
    if cut_at:
        cuts |= np.isin(refs, np.fromiter(cut_at, dtype=np.int64, count=len(cut_at)))
    wanted, refs, stretch = wanted[cuts], refs[cuts], stretch[cuts]
    pairs = np.flatnonzero(stretch[1:] == stretch[:-1])
    first, last = wanted[pairs], wanted[pairs + 1]
    length = last - first + 1
    edge_start = np.concatenate([[0], np.cumsum(length)])
    index = np.repeat(first - edge_start[:-1], length) + np.arange(edge_start[-1])
    row = rows[stretch[pairs]]
    return StreetWays(
        way_ids[row], refs[pairs], refs[pairs + 1], row, lonlat[index], edge_start, tags, clipped, missing
    )


def _tags(item: Any) -> dict[str, str]:
    return {tag.k: tag.v for tag in item.tags}


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
    expected = made = 0
    for item in _objects(path, osmium.FileProcessor(str(path)).with_areas(wanted).with_filter(wanted)):
        if item.is_node():
            found.nodes.append((item.id, item.location.lon, item.location.lat, _tags(item)))
        elif item.is_area():
            identity = f"osm:{'w' if item.from_way() else 'r'}{item.orig_id()}"
            made += 1
            get = item.tags.get
            if "building" in item.tags:
                kept = {key: value for key in building_keys if (value := get(key)) is not None}
                found.buildings.append((identity, kept, wkb.create_multipolygon(item)))
                if not any(key in kept for key in ("amenity", "healthcare", "leisure", "tourism", "landuse")):
                    continue
            found.areas.append((identity, _tags(item), wkb.create_multipolygon(item)))
        elif item.is_way():
            line = "building" not in item.tags and next((key for key in _LINE_KEYS if key in item.tags), None)
            closed = item.is_closed()
            expected += closed and line not in ("barrier", "highway", "railway")
            if not line or (closed and line != "barrier"):
                continue
            try:
                found.lines.append((f"osm:w{item.id}", _tags(item), wkb.create_linestring(item)))
            except (osmium.InvalidLocationError, RuntimeError):
                found.clipped_lines += 1
                for part, (_, flat) in enumerate(_valid_parts(item)[0]):
                    stretch = shapely.LineString(np.asarray(flat).reshape(-1, 2))
                    identity = f"osm:w{item.id}" + (f":{part + 1}" if part else "")
                    found.lines.append((identity, _tags(item), shapely.to_wkb(stretch, hex=True)))
        elif item.tags.get("type") in ("multipolygon", "boundary"):
            expected += 1
    found.clipped_areas = max(expected - made, 0)
    return found
