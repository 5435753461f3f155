"""Where children live. Without people's data: homes from OSM buildings as relative weights, which are shares, never persons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.osm import Features, shapes_of
from xiqing_space.ingest.quality import Quality


def home_pairs(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The OSM tags of homes, of land that is plainly something else, and of residential land."""
    rules = catalogue.barriers["homes"]
    for value in (*rules["residential"], *rules["unclear"]):
        yield "building", value
    for value in (*rules["not_homes_land"], "residential"):
        yield "landuse", value
    for rule in rules["not_homes_grounds"]:
        key, value = rule.split("=", 1)
        yield key, value


def building_keys(catalogue: Catalogue) -> tuple[str, ...]:
    """The tags of buildings that decide whether, and how many, people live in them."""
    rules = catalogue.barriers["homes"]
    return ("building", "building:levels", "height", "name", *rules["not_homes_keys"], "healthcare", "landuse")


def _levels(tags: dict[str, str], rules: dict[str, Any]) -> float:
    for key, per_level in (("building:levels", 1.0), ("height", rules["metres_per_level"])):
        text = tags.get(key, "").replace("m", "").replace(",", ".").strip()
        try:
            levels = float(text) / per_level
        except ValueError:
            continue
        if 0 < levels <= rules["max_levels"]:
            return max(levels, 1.0)
    defaults: dict[str, float] = rules["default_levels"]
    return defaults.get(tags["building"], defaults["other"])


def read_homes(
    features: Features,
    compounds: pd.DataFrame,
    zones: pd.DataFrame,
    catalogue: Catalogue,
    area: Area,
    source: str,
    quality: Quality,
) -> pd.DataFrame:
    """The `demand` table (unsorted): one row per home, weights of the homes inside the area summing to 1.

    A weight is footprint × levels; a band's is that × its years of the 18. Buildings tagged only `yes` count outside land
    that is plainly something else (industry, commerce, schools, hospitals …) and without a tag of another use; buildings
    tagged as homes count everywhere but on industrial and military land and on campuses.

    Notes
    -----
    Relative weights say how floor area is spread, not where children live; a planner may not read persons off them.
    """
    rules = catalogue.barriers["homes"]
    lived_in = {*rules["residential"], *rules["unclear"]}
    homes = [row for row, (_, tags, _) in enumerate(features.buildings) if tags["building"] in lived_in]
    rows = [features.buildings[row] for row in homes]
    metric = features.metric_buildings(area.metric_epsg)[np.asarray(homes, dtype=np.intp)]
    centre = shapely.point_on_surface(metric)
    footprint = shapely.area(metric)
    unclear = np.asarray([tags["building"] in rules["unclear"] for _, tags, _ in rows], dtype=bool)
    other_use = np.asarray([any(key in tags for key in rules["not_homes_keys"]) for _, tags, _ in rows], dtype=bool)
    keep = (footprint >= rules["min_footprint_m2"]) & ~(unclear & other_use)
    for land, whose in (
        (rules["not_homes_land"], unclear),
        (rules["never_homes_land"], np.ones(len(rows), dtype=bool)),
    ):
        there = np.zeros(len(rows), dtype=bool)
        there[_within(centre, _other_land(features, rules, land, area))[0]] = True
        keep &= ~(there & whose)
    keep &= shapely.intersects(centre, area.buffered) if len(centre) else keep
    chosen = np.flatnonzero(keep)
    floor = footprint[chosen] * np.asarray([_levels(rows[row][1], rules) for row in chosen], dtype=float)
    centre = centre[chosen]
    inside = shapely.intersects(centre, area.metric) if len(centre) else np.zeros(0, dtype=bool)
    total = floor[inside].sum()
    weight = floor / total if total > 0 else floor
    if not inside.any():
        quality.add("no_homes", source=source)
    else:
        quality.add("homes_relative", source=source, n=int(inside.sum()), guessed=int((inside & unclear[chosen]).sum()))
    frame = pd.DataFrame(
        {
            "demand_id": [rows[row][0] for row in chosen],
            "zone_id": owner_of(centre, zones, "zone_id", area),
            "compound_id": owner_of(centre, compounds, "compound_id", area),
            "inside": inside,
            "pop_total": weight,
            **{band.column: weight * (band.ages[1] - band.ages[0] + 1) / 18 for band in catalogue.bands.values()},
            "weight_kind": "relative",
            "from": "weights",
            "ages_from": "missing",
            "placed": True,
            "reason": None,
            "geometry": to_degrees(centre, area.metric_epsg),
        }
    )
    frame.loc[~inside, "zone_id"] = None
    if homeless := int((inside & frame["zone_id"].isna().to_numpy()).sum()):
        quality.add("unplaced", source=source, n=homeless)
    return frame


def _other_land(features: Features, rules: dict[str, Any], land: list[str], area: Area) -> Any:
    """Land of some uses, and campuses, hospitals, parks and the like."""
    uses = set(land)
    grounds = [tuple(rule.split("=", 1)) for rule in rules["not_homes_grounds"]]
    found = [
        wkb
        for _, tags, wkb in features.areas
        if tags.get("landuse") in uses or any(tags.get(key) == value for key, value in grounds)
    ]
    return project_geometry(shapes_of(found), GEOGRAPHIC, area.metric_epsg)


def _within(points: Any, polygons: Any) -> Any:
    """Pairs (point row, polygon row) of points inside polygons, by point and then polygon."""
    pairs = shapely.STRtree(polygons).query(points, predicate="intersects")
    return pairs[:, np.lexsort(pairs[::-1])]


def owner_of(points: Any, polygons: pd.DataFrame, key: str, area: Area) -> list[str | None]:
    """Id of the polygon that holds each point; the first id where two do."""
    ordered = polygons.sort_values(key)
    shapes = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
    rows, owners = _within(points, shapes)
    found: list[str | None] = [None] * len(points)
    names = ordered[key].tolist()
    for row, owner in zip(rows[::-1].tolist(), owners[::-1].tolist(), strict=True):
        found[row] = names[owner]
    return found
