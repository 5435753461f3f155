"""Overpass' answers (JSON) to an extract: elements of all answers merged, each once, in the order of type and id."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xiqing_space.errors import InputDataError

GENERATOR = "xiqing_space fetch (Overpass API)"
_TYPES = {"node": "n", "way": "w", "relation": "r"}


@dataclass
class Elements:
    """Elements by id. Places in degrees (lon, lat); members as (n, w or r; id; role). `dates` are those of the answers."""

    nodes: dict[int, tuple[float, float, dict[str, str]]] = field(default_factory=dict)
    ways: dict[int, tuple[list[int], dict[str, str]]] = field(default_factory=dict)
    relations: dict[int, tuple[list[tuple[str, int, str]], dict[str, str]]] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)

    def missing_nodes(self) -> int:
        """Nodes that ways name and no answer holds."""
        return len({ref for refs, _ in self.ways.values() for ref in refs if ref not in self.nodes})


def merge_answers(paths: Iterable[Path]) -> Elements:
    """Read answers and put each element once.

    Where two answers differ on an element (somebody edited the map in between), the one of the later date counts; of the
    same date, the greater in a fixed order. So the result does not depend on the order of the answers.

    Raises
    ------
    InputDataError
        An answer is not what Overpass writes; every problem is listed.
    """
    answers = []
    for path in paths:
        value = json.loads(path.read_text(encoding="utf-8"))
        date = value.get("osm3s", {}).get("timestamp_osm_base", "") if isinstance(value.get("osm3s"), dict) else ""
        answers.append((str(date), path.name, value["elements"]))
    found, problems = Elements(dates=sorted({date for date, *_ in answers if date})), []
    chosen: dict[tuple[str, int], tuple[str, Any]] = {}
    for date, name, elements in answers:
        for row, item in enumerate(elements):
            try:
                kind, identity, value = _element(item)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                problems.append(f"{name} {row}: {type(error).__name__} {str(error)[:80]}")
                continue
            known = chosen.setdefault((kind, identity), (date, value))
            if known != (date, value) and _rank(known) < _rank((date, value)):
                chosen[kind, identity] = (date, value)
    if problems:
        raise InputDataError(
            "Overpass 的回答格式不符 / the answers are not what Overpass writes",
            first=problems,
            todo="检查 [fetch] overpass_url / check overpass_url in [fetch]",
        )
    for (kind, identity), (_, value) in sorted(chosen.items(), key=lambda one: one[0]):
        target: dict[int, Any] = getattr(found, f"{kind}s")
        target[identity] = value
    return found


def _rank(version: tuple[str, Any]) -> tuple[str, str]:
    return version[0], json.dumps(version[1], sort_keys=True)


def _element(item: Any) -> tuple[str, int, Any]:
    kind, identity = str(item["type"]), item["id"]
    if kind not in _TYPES or isinstance(identity, bool) or not isinstance(identity, int):
        raise ValueError(f"{kind} {identity}"[:60])
    tags = item.get("tags", {})
    if not all(isinstance(one, str) for pair in tags.items() for one in pair):
        raise ValueError(f"{kind} {identity}: tags")
    if kind == "node":
        lon, lat = float(item["lon"]), float(item["lat"])
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise ValueError(f"node {identity}: {lon}, {lat}")
        return kind, identity, (lon, lat, tags)
    if kind == "way":
        refs = item.get("nodes", [])
        if not all(isinstance(ref, int) for ref in refs):
            raise ValueError(f"way {identity}: nodes")
        return kind, identity, (list(refs), tags)
    members = [(_TYPES[one["type"]], int(one["ref"]), str(one.get("role", ""))) for one in item.get("members", [])]
    return kind, identity, (members, tags)


def write_extract(elements: Elements, path: Path, box: tuple[float, float, float, float], date: str) -> None:
    """Write an extract that every reader of OSM files takes; the same elements give the same bytes.

    Parameters
    ----------
    box : (west, south, east, north)
        What was asked for, degrees; the readers take it for the extent of the data.
    date : str
        Date of the data (ISO 8601, UTC), written into the header; empty if unknown.

    Raises
    ------
    InputDataError
        An element cannot be written, e.g. a tag of more than a thousand bytes.
    """
    import osmium
    from osmium.osm.mutable import Node, Relation, Way

    header = osmium.io.Header()
    header.set("generator", GENERATOR)
    if date:
        header.set("osmosis_replication_timestamp", date)
    header.add_box(osmium.osm.Box(*box))
    try:
        with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
            for identity, (lon, lat, tags) in sorted(elements.nodes.items()):
                writer.add_node(Node(id=identity, version=1, location=(lon, lat), tags=tags))
            for identity, (refs, tags) in sorted(elements.ways.items()):
                writer.add_way(Way(id=identity, version=1, nodes=refs, tags=tags))
            for identity, (members, tags) in sorted(elements.relations.items()):
                writer.add_relation(Relation(id=identity, version=1, members=members, tags=tags))
    except (RuntimeError, ValueError) as error:
        raise InputDataError(
            f"无法写出 OSM 文件 / the OSM file cannot be written: {str(error)[:200]}", where=path.name
        ) from error
