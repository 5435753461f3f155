"""Things at the roadside: signals, traffic calming, refuges drawn as points; and premises that rules for schools speak of."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.osm import Features, shapes_of


def _rules(table: dict[str, list[str]]) -> dict[tuple[str, str], str]:
    """What a tag (key, value) makes of a thing."""
    return {
        (key, value): what for what, rules in table.items() for key, _, value in (one.partition("=") for one in rules)
    }


def roadside_pairs(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The OSM tags of road points and of surroundings."""
    yield from _rules(catalogue.safety["points"])
    yield from _rules(catalogue.safety["surroundings"])


def read_road_points(features: Features, catalogue: Catalogue, area: Area) -> pd.DataFrame:
    """The `road_points` table (unsorted) of an extract, buffer included; a node may be two things, a refuge and a signal."""
    rules = _rules(catalogue.safety["points"])
    rows = []
    for identity, lon, lat, tags in features.nodes:
        for what in dict.fromkeys(rules[pair] for pair in tags.items() if pair in rules):
            rows.append((f"osm:n{identity}", what, json.dumps(tags, ensure_ascii=False, sort_keys=True), lon, lat))
    frame = pd.DataFrame(rows, columns=["point_id", "what", "tags", "lon", "lat"])
    return _near(_placed(frame), area)


def read_mapped_surroundings(features: Features, catalogue: Catalogue, area: Area, source: str) -> pd.DataFrame:
    """Rows of the `surroundings` table (unsorted) that an extract holds, buffer included; of an area a point inside it.

    What is mapped may be closed or something else: these are places to verify, and only their number may be shown.
    """
    rules = _rules(catalogue.safety["surroundings"])
    things = [(f"osm:n{identity}", tags, (lon, lat)) for identity, lon, lat, tags in features.nodes]
    shapes = {identity: (tags, wkb) for identity, tags, wkb in features.areas}  # an area may be there twice
    shapes |= {identity: (tags, wkb) for identity, tags, wkb in features.buildings if identity not in shapes}
    areas = [
        (identity, tags, wkb) for identity, (tags, wkb) in shapes.items() if any(one in rules for one in tags.items())
    ]
    inner = shapely.point_on_surface(shapes_of(wkb for *_, wkb in areas))
    things += [
        (identity, tags, (point.x, point.y)) for (identity, tags, _), point in zip(areas, inner.tolist(), strict=True)
    ]
    rows = []
    for identity, tags, (lon, lat) in things:
        what = next((rules[pair] for pair in tags.items() if pair in rules), None)
        if what is not None:
            rows.append((identity, what, source, lon, lat))
    frame = pd.DataFrame(rows, columns=["thing_id", "what", "source", "lon", "lat"])
    return _near(_placed(frame), area)


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    places = shapely.points(frame["lon"].to_numpy(dtype=float), frame["lat"].to_numpy(dtype=float))
    return frame.drop(columns=["lon", "lat"]).assign(geometry=to_degrees(places, GEOGRAPHIC))


def _near(frame: pd.DataFrame, area: Area) -> pd.DataFrame:
    metric = project_geometry(frame["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    return frame[shapely.intersects(metric, area.buffered)] if len(frame) else frame
