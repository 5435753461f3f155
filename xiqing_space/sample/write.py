"""Writes the drawing as the files that a user would have: an OSM extract, boundary, zones and a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import osmium
from osmium.osm.mutable import Node, Relation, Way

from xiqing_space.crs import COORDINATE_DIGITS, GEOGRAPHIC, TIANJIN_GK, project
from xiqing_space.sample import plan

GENERATOR = "xiqing_space synthetic sample"
# the same on every object and every call, so that the file's bytes never differ
_STAMP: dict[str, Any] = {
    "version": 1, "visible": True, "changeset": 1, "uid": 1, "user": "xiqing_space",
    "timestamp": f"{plan.DATA_DATE}T00:00:00Z",
}  # fmt: skip

_CONFIG = """\
# 示例小镇：虚构数据，不代表任何真实地方 / the sample town: invented, no real place
[area]
name = "{name}"
boundary = "boundary.geojson"
zones = "zones.geojson"
buffer_m = {buffer_m}

[sources]
osm = "town.osm.pbf"
data_date = "{date}"
licence = "{licence}"
"""


def to_lonlat(metres: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Places of the drawing in degrees, rounded to what OpenStreetMap stores (about one centimetre)."""
    degrees = project(np.asarray(metres, dtype=np.float64) + np.asarray(plan.ORIGIN), TIANJIN_GK, GEOGRAPHIC)
    return [(float(lon), float(lat)) for lon, lat in np.round(degrees, COORDINATE_DIGITS)]


def _rings() -> dict[int, tuple[plan.Tags, tuple[int, ...]]]:
    """Closed ways of grounds and buildings, as node ids, gates put in where they stand on the outline."""
    found: dict[int, tuple[plan.Tags, tuple[int, ...]]] = {}
    for way, (tags, _, gates) in plan.GROUNDS.items():
        ring: list[int] = []
        for corner in range(4):
            ring += [plan.corner_id(way, corner), *([gates[corner]] if corner in gates else [])]
        found[way] = (tags, (*ring, ring[0]))
    for way, (tags, _, _) in plan.BUILDINGS.items():
        ring = [plan.corner_id(way, corner) for corner in range(4)]
        found[way] = (tags, (*ring, ring[0]))
    return found


def _places() -> dict[int, tuple[float, float]]:
    """Every node's place in the drawing."""
    places = dict(plan.NODES)
    boxes = {way: box for way, (_, box, _) in plan.GROUNDS.items()}
    boxes |= {way: plan.building_box(way) for way in plan.BUILDINGS}
    for way, box in boxes.items():
        places |= {plan.corner_id(way, corner): place for corner, place in enumerate(plan.corners(box))}
    return places


def _write_osm(path: Path) -> None:
    places = _places()
    ids = sorted(places)
    lonlat = dict(zip(ids, to_lonlat([places[one] for one in ids]), strict=True))
    header = osmium.io.Header()
    header.set("generator", GENERATOR)
    header.add_box(osmium.osm.Box(*_box_degrees(plan.DATA_BOX)))
    note = {"note": plan.NOTE}
    # sizes of blocks and order of objects are fixed, hence the bytes too
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for one in ids:
            writer.add_node(Node(id=one, location=lonlat[one], tags=plan.NODE_TAGS.get(one, {}) | note, **_STAMP))
        for way, (tags, nodes) in sorted((plan.LINES | _rings()).items()):
            writer.add_way(Way(id=way, nodes=list(nodes), tags=tags | note, **_STAMP))
        for relation, (tags, members) in sorted(plan.RELATIONS.items()):
            listed = [("w", way, role) for way, role in members]
            writer.add_relation(Relation(id=relation, members=listed, tags=tags | note, **_STAMP))


def _box_degrees(box: plan.Box) -> tuple[float, float, float, float]:
    degrees = np.asarray(to_lonlat(list(plan.corners(box))))
    west, south = degrees.min(axis=0).tolist()
    east, north = degrees.max(axis=0).tolist()
    return west, south, east, north


def _write_polygons(path: Path, rows: list[tuple[dict[str, str], plan.Box]]) -> None:
    features = []
    for properties, box in rows:
        ring = to_lonlat(list(plan.corners(box)))
        polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        features.append({"type": "Feature", "properties": properties | {"note": plan.NOTE}, "geometry": polygon})
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def write_sample(folder: Path) -> Path:
    """Write the sample town as real files.

    The town is invented: its figures say nothing about any real place.

    Parameters
    ----------
    folder : Path
        Made where it is not there. Gets `town.osm.pbf`, `boundary.geojson`, `zones.geojson` and `sample.toml`
        (EPSG:4326, 7 decimals); files of these names are written over. The same bytes on every call.

    Returns
    -------
    Path
        `sample.toml`, a configuration to run the town with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_osm(folder / "town.osm.pbf")
    _write_polygons(folder / "boundary.geojson", [({"name": plan.NAME}, plan.AREA_BOX)])
    _write_polygons(
        folder / "zones.geojson",
        [({"zone_id": zone, "name": name, "settlement": kind}, box) for zone, name, kind, box in plan.ZONES],
    )
    text = _CONFIG.format(name=plan.NAME, buffer_m=plan.BUFFER_M, date=plan.DATA_DATE, licence=plan.LICENCE)
    config = folder / "sample.toml"
    config.write_text(text, encoding="utf-8", newline="\n")
    return config
