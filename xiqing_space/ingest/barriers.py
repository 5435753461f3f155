"""What stops a walker: water, railways, motorways, walls. And mapped crossings of motor roads, their tags kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.osm import Features, shapes_of
from xiqing_space.texts import among

_KINDS = ("water", "rail", "motorway", "wall")
_CONTROL = {
    "traffic_signals": "signals", "marked": "marked", "zebra": "marked", "uncontrolled": "marked",
    "unmarked": "none", "no": "none",
}  # fmt: skip
_ROADS = (
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "living_street",
    "service",
    "road",
)


def _pairs(rules: list[str]) -> list[tuple[str, str]]:
    return [tuple(rule.split("=", 1)) for rule in rules]  # type: ignore[misc]


def barrier_pairs(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The OSM tags of barriers, of gates, and of the places where one gets over."""
    rules = catalogue.barriers
    for kind in _KINDS:
        yield from _pairs(rules[kind].get("lines", []))
        yield from _pairs(rules[kind].get("areas", []))
    for value in rules["walkable"]["gates"]:
        yield "barrier", value
    yield "highway", "crossing"
    yield "railway", "level_crossing"
    yield "railway", "crossing"
    yield "ford", "yes"


def _kind_of(tags: dict[str, str], which: str, catalogue: Catalogue) -> str | None:
    for kind in _KINDS:
        for key, value in _pairs(catalogue.barriers[kind].get(which, [])):
            if tags.get(key) == value:
                return kind
    return None


def _hidden(tags: dict[str, str]) -> bool:
    """Under the ground, so that it stops nobody: a culvert, a railway tunnel."""
    return tags.get("tunnel", "no") not in ("no", "") or tags.get("covered") == "yes"


def _rings(shape: Any) -> Any:
    boundary = shapely.boundary(shape)
    return boundary if boundary.geom_type == "MultiLineString" else shapely.MultiLineString([boundary])


def read_barriers(features: Features, catalogue: Catalogue, area: Area) -> pd.DataFrame:
    """The `barriers` table (unsorted), clipped to nothing but the buffered area's neighbourhood.

    Areas are held as their rings; ponds smaller than the catalogue's least area stop nobody and are left out.
    """
    rows = []
    for which, things in (("lines", features.lines), ("areas", features.areas)):
        for identity, tags, wkb in things:
            kind = _kind_of(tags, which, catalogue)
            if kind is not None and not _hidden(tags):
                bridge = tags.get("bridge", "no") != "no"
                rows.append((identity, kind, tags.get("name:zh") or tags.get("name"), which == "areas", bridge,
                             tags.get("layer"), wkb))  # fmt: skip
    frame = pd.DataFrame(rows, columns=["barrier_id", "barrier", "name", "is_area", "bridge", "layer", "wkb"])
    shapes = shapes_of(frame.pop("wkb"))
    metric = project_geometry(shapes, GEOGRAPHIC, area.metric_epsg)
    is_area = frame["is_area"].to_numpy(dtype=bool)
    keep = shapely.intersects(metric, area.buffered) if len(metric) else np.zeros(0, dtype=bool)
    keep &= ~is_area | (shapely.area(metric) >= catalogue.barriers["water"]["min_area_m2"])
    frame["geometry"] = [
        _rings(shape) if areal else shapely.MultiLineString([shape])
        for shape, areal in zip(shapes, is_area, strict=True)
    ]
    return frame[keep].drop_duplicates("barrier_id")


def read_crossings(features: Features, streets: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The `crossings` table (unsorted): mapped crossing nodes, with the roads that meet there.

    Only what the tags say: how a crossing is scored, and crossings that nobody mapped, are the safety room's work.
    """
    rows = [(f"osm:n{identity}", lon, lat, tags) for identity, lon, lat, tags in features.nodes if
            tags.get("highway") == "crossing"]  # fmt: skip
    ids = [row[0] for row in rows]
    met: dict[str, set[tuple[int, str, str]]] = {}
    for end in ("u", "v"):
        near = streets[among(streets[end], ids)]
        for node, edge, highway in zip(near[end], near["edge_id"], near["highway"], strict=True):
            if (road := highway.removesuffix("_link")) in _ROADS:
                met.setdefault(node, set()).add((_ROADS.index(road), edge, highway))
    edges = {node: "|".join(sorted(edge for _, edge, _ in roads)) for node, roads in met.items()}
    largest = {node: min(roads)[2] for node, roads in met.items()}
    known = among(ids, streets["u"]) | among(ids, streets["v"])
    control = [_CONTROL.get((tags.get("crossing:signals") == "yes" and "traffic_signals") or tags.get("crossing", ""))
               for *_, tags in rows]  # fmt: skip
    frame = pd.DataFrame(
        {
            "crossing_id": ids,
            "node_id": [one if there else None for one, there in zip(ids, known, strict=True)],
            "road_edge_ids": [edges.get(one) for one in ids],
            "road_highway": [largest.get(one) for one in ids],
            "control": control,
            "control_from": [None if one is None else "tag" for one in control],
            "tags": [json.dumps(tags, ensure_ascii=False, sort_keys=True) for *_, tags in rows],
            "geometry": [shapely.Point(lon, lat) for _, lon, lat, _ in rows],
        }
    )
    metric = project_geometry(frame["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    return frame[shapely.intersects(metric, area.buffered)] if len(frame) else frame
