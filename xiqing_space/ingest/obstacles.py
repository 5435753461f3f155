"""Solids that may stand between a child at the kerb and a car: buildings, walls, hedges, planters, shelters near roads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.osm import Features, shapes_of

_HEIGHT = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*(m|cm|米|厘米|ft|feet|'|′)?\s*$")
_METRES = {
    None: 1.0,
    "m": 1.0,
    "米": 1.0,
    "cm": 0.01,
    "厘米": 0.01,
    "ft": 0.3048,
    "feet": 0.3048,
    "'": 0.3048,
    "′": 0.3048,
}
_HIGHEST_M = 400.0
_RUNNING = ("wall", "hedge")  # what runs along a line
_HEADROOM_M = 2.0
BUILDING_KEYS = ("min_height", "building:min_level", "location")  # what tells that one does not stand on the ground
_OPEN = ("roof", "carport")  # one sees through below


def height_of(tags: dict[str, str], metres_per_level: float | None = None) -> float | None:
    """Height in metres from `height`, else from `building:levels`; None where neither can be read.

    Parameters
    ----------
    metres_per_level : float, optional
        Where levels count.
    """
    match = _HEIGHT.match(tags.get("height", "").replace("．", "."))
    if match:
        height = float(match[1].replace(",", ".")) * _METRES[match[2]]
        return height if 0 < height <= _HIGHEST_M else None
    if metres_per_level is None:
        return None
    levels = _HEIGHT.match(tags.get("building:levels", ""))
    if levels is None or levels[2] is not None:
        return None
    height = float(levels[1].replace(",", ".")) * metres_per_level
    return height if 0 < height <= _HIGHEST_M else None


def _rules(catalogue: Catalogue) -> dict[tuple[str, str], str]:
    """What a tag makes of a thing; buildings are read anyway."""
    return {
        (key, value): what
        for what, rule in catalogue.child_view["obstacles"].items() if what != "building"
        for key, _, value in (one.partition("=") for one in rule["tags"])
    }  # fmt: skip


def obstacle_pairs(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The OSM tags of obstacles."""
    yield from _rules(catalogue)


def read_obstacles(features: Features, streets: pd.DataFrame, catalogue: Catalogue, area: Area) -> pd.DataFrame:
    """The `obstacles` table (unsorted), buffer included.

    Parked cars are not in it: they follow from what is known of the streets. A thing drawn as a line or point is given the
    width of the catalogue; one without a tagged height its default height, and then results are `screening`.
    """
    kinds = catalogue.child_view["obstacles"]
    marked, buildings = list(_marked(features, catalogue)), list(_buildings(features, catalogue))
    original = np.concatenate(
        [
            project_geometry(shapes_of(one for *_, one in marked), GEOGRAPHIC, area.metric_epsg),
            features.metric_buildings(area.metric_epsg)[np.asarray([row for *_, row in buildings], dtype=np.intp)],
        ]
    )
    frame = pd.DataFrame([one[:3] for one in (*marked, *buildings)], columns=["obstacle_id", "what", "height"])
    once = ~frame.duplicated("obstacle_id").to_numpy()
    frame, original = frame[once], original[once]
    if frame.empty:
        return pd.DataFrame()
    half = frame["what"].map({what: rule.get("width_m", 0.0) / 2 for what, rule in kinds.items()}).to_numpy(dtype=float)
    thin = shapely.get_dimensions(original) < 2
    drawn = original.copy()
    drawn[thin] = shapely.buffer(original[thin], half[thin], cap_style="flat", join_style="mitre")
    drawn = shapely.make_valid(drawn)
    points = thin & shapely.is_empty(drawn)  # a flat end leaves nothing of a point
    drawn[points] = shapely.buffer(original[points], half[points], quad_segs=2)
    kept = _near_roads(drawn, frame["what"].to_numpy(dtype=object), streets, kinds["building"]["near_road_m"], area)
    frame, drawn = frame[kept], _areas(drawn[kept])
    given = frame["height"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "obstacle_id": frame["obstacle_id"].array, "what": frame["what"].array,
            "height_m": np.where(np.isnan(given), frame["what"].map({what: rule["height_m"] for what, rule in kinds.items()}).to_numpy(dtype=float), given),
            "height_from": np.where(np.isnan(given), "default", "tag"),
            "width_m": frame["what"].map({what: rule.get("width_m", np.nan) for what, rule in kinds.items()}).to_numpy(dtype=float),
            "cost_class": frame["what"].map({what: rule.get("cost_class") for what, rule in kinds.items()}).array,
            "geometry": to_degrees(drawn, area.metric_epsg),
        }
    )  # fmt: skip


def _areas(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Each shape as a multipolygon: what mending left of lines and points is dropped."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    inner, outer = shapely.get_parts(parts, return_index=True)
    flat = shapely.get_dimensions(inner) == 2
    found: NDArray[np.object_] = np.full(len(shapes), shapely.MultiPolygon(), dtype=object)
    rows = owner[outer[flat]]
    if len(rows):
        found[np.unique(rows)] = shapely.multipolygons(inner[flat], indices=np.unique(rows, return_inverse=True)[1])
    return found


def _marked(features: Features, catalogue: Catalogue) -> Iterator[tuple[str, str, float, Any]]:
    """Things with a tag of their own: as drawn, areas and lines as WKB."""
    rules = _rules(catalogue)

    def what(tags: dict[str, str]) -> str | None:
        return next((rules[pair] for pair in tags.items() if pair in rules), None)

    for number, lon, lat, tags in features.nodes:
        if found := what(tags):
            yield f"osm:n{number}", found, _or_nan(height_of(tags)), shapely.Point(lon, lat)
    for areal, given in ((True, features.areas), (False, features.lines)):
        for identity, tags, wkb in given:
            found = what(tags)
            if found and not (areal and _runs_round(found, tags)):
                yield identity, found, _or_nan(height_of(tags)), wkb


def _runs_round(what: str, tags: dict[str, str]) -> bool:
    """Whether a closed way is a wall or hedge round something, and not the thing's own ground plan."""
    return what in _RUNNING and "barrier" in tags and tags.get("area") != "yes" and tags.get("type") != "multipolygon"


def _buildings(features: Features, catalogue: Catalogue) -> Iterator[tuple[str, str, float, int]]:
    """Buildings with their height where one is told, and their row in `features`."""
    per_level = catalogue.barriers["homes"]["metres_per_level"]
    for row, (identity, tags, _) in enumerate(features.buildings):
        if tags.get("building") not in _OPEN and not _off_the_ground(tags):
            yield identity, "building", _or_nan(height_of(tags, per_level)), row


def _off_the_ground(tags: dict[str, str]) -> bool:
    """Whether a building begins above a driver's head, or lies below the ground."""
    if tags.keys().isdisjoint(BUILDING_KEYS):
        return False
    lifted = height_of({"height": tags.get("min_height", "")})
    level = _HEIGHT.match(tags.get("building:min_level", ""))
    return (
        (lifted is not None and lifted >= _HEADROOM_M)
        or (level is not None and level[2] is None and float(level[1].replace(",", ".")) >= 1)
        or tags.get("location") == "underground"
    )


def _near_roads(
    shapes: NDArray[np.object_], what: NDArray[np.object_], streets: pd.DataFrame, near_m: float, area: Area
) -> NDArray[np.bool_]:
    """Buildings near a street, and everything else of the area and its buffer."""
    lines = project_geometry(np.asarray(streets["geometry"], dtype=object), GEOGRAPHIC, area.metric_epsg)
    built = np.flatnonzero(what == "building")
    kept = what != "building"
    kept[built[np.unique(shapely.STRtree(shapes[built]).query(lines, predicate="dwithin", distance=near_m)[1])]] = True
    near: NDArray[np.bool_] = kept & ~shapely.is_empty(shapes) & ~shapely.is_missing(shapes)
    shapely.prepare(area.buffered)
    near[near] &= shapely.intersects(area.buffered, shapes[near])
    return near


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
