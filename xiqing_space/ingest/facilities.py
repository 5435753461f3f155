"""Facilities and their grounds from OSM nodes, ways and multipolygon relations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue, Kind
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.osm import Features, shapes_of
from xiqing_space.ingest.quality import Quality

LIFECYCLE = {
    "": "operating", "construction:": "building", "planned:": "planned", "proposed:": "planned",
    "disused:": "closed", "abandoned:": "closed",
}  # fmt: skip
_OPERATORS = {"public": "public", "government": "public", "community": "public", "private": "private",
              "religious": "private", "private_non_profit": "private", "ngo": "private"}  # fmt: skip
_SERVES = {"private": "residents", "residents": "residents", "no": "residents", "employees": "employees"}
# `access` of a park says whom it serves; of a school only that its ground is closed to passers-by
_OPEN_AIR = ("park", "playground", "sports")
_LEVELS = ("primary_school", "junior_school", "senior_school", "special_school")  # told by `school_level`
_GENERIC = ("clinic", "community_service", "school_unknown_level")  # a name may say more than their tag


@cache
def _conditions(kind: Kind) -> list[list[tuple[str, str]]]:
    return [[tuple(part.split("=", 1)) for part in rule.split(" & ")] for rule in kind.osm]  # type: ignore[misc]


def facility_pairs(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """The OSM tags that can make something a facility, in every stage of its life."""
    yield from _telling(tuple(catalogue.kinds.values()))


def _levels(tags: dict[str, str], name: str, catalogue: Catalogue) -> list[str]:
    """Kinds of a school: by ISCED level (unless its Chinese name states another), by grades, by name; else of unknown level."""
    rules = catalogue.school_level
    isced = [rules["isced"][part.strip()] for part in re.split("[;,]", tags.get("isced:level", "")) if
             part.strip() in rules["isced"]]  # fmt: skip
    told = _chinese_level(name, catalogue)
    if isced and told and not set(told) & {kind for kinds in isced for kind in kinds}:
        return list(told)  # a code is easily wrong; a Chinese name ends in what the school is
    if isced:
        return sorted({kind for kinds in isced for kind in kinds}, key=list(catalogue.kinds).index)
    if grades := re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", tags.get("grades", "")):
        low, high = int(grades[1]), int(grades[2])
        found = [kind for kind, (first, last) in rules["grades"].items() if low <= last and high >= first]
        if found:
            return found
    if tags.get("school") == "special_education_needs":
        return ["special_school"]
    for rule in rules["name"]:
        if re.search(rule["pattern"], name):
            return list(rule["kinds"])
    return ["school_unknown_level"]


def _chinese_level(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Levels that a Chinese name states; empty where it states none."""
    if not re.search("[\u4e00-\u9fff]", name):
        return ()
    for rule in catalogue.school_level["name"]:
        if re.search(rule["pattern"], name):
            return tuple(rule["kinds"])
    return ()


def _note_level(
    tags: dict[str, str], kinds: list[tuple[str, str]], name: str | None, catalogue: Catalogue, about: dict[str, str], quality: Quality
) -> None:  # fmt: skip
    """Say where a school's tag states another level than its name, which was taken."""
    isced = [
        catalogue.school_level["isced"].get(one.strip(), ()) for one in re.split("[;,]", tags.get("isced:level", ""))
    ]
    tagged = [kind for kinds_of in isced for kind in kinds_of]
    told = [kind for kind, _ in kinds if kind in _LEVELS]
    if tagged and told and not set(tagged) & set(told):
        words = [[catalogue.kinds[one] for one in some] for some in (tagged, told)]
        tag, taken = (("、".join(one.zh for one in some), ", ".join(one.en for one in some)) for some in words)
        quality.add("level_contradicts", **about, name=name, tag=tag, taken=taken)


@cache
def _claims(catalogue_kinds: tuple[Kind, ...]) -> dict[tuple[str, str], tuple[Kind, ...]]:
    """Kinds by the first tag of their conditions: most things carry none of them, which is then seen at once."""
    found: dict[tuple[str, str], tuple[Kind, ...]] = {}
    for kind in catalogue_kinds:
        for condition in _conditions(kind):
            found[condition[0]] = (*found.get(condition[0], ()), kind)
    return found


@cache
def _telling(catalogue_kinds: tuple[Kind, ...]) -> frozenset[tuple[str, str]]:
    """The first tags of all conditions, at every stage of life: what carries none of them is no facility."""
    return frozenset((prefix + key, value) for key, value in _claims(catalogue_kinds) for prefix in LIFECYCLE)


def _claimed(tags: dict[str, str], prefix: str, claims: dict[tuple[str, str], tuple[Kind, ...]]) -> list[Kind]:
    """Kinds all of whose conditions the tags fulfil, at one stage of life."""
    near = [
        kind for key, value in tags.items() if key.startswith(prefix)
        for kind in claims.get((key.removeprefix(prefix), value), ())
    ]  # fmt: skip
    fits = [
        kind
        for kind in near
        if any(all(tags.get(prefix + key) == value for key, value in rule) for rule in _conditions(kind))
    ]
    return list(dict.fromkeys(fits))


def classify(tags: dict[str, str], catalogue: Catalogue) -> tuple[list[tuple[str, str]], str]:
    """Kinds and status of a tagged thing.

    Returns
    -------
    list of (kind, status)
        In catalogue order; empty where it is no facility.
    str
        The kind that the tag claimed and the name denied, else empty.
    """
    kinds = tuple(catalogue.kinds.values())
    if _telling(kinds).isdisjoint(tags.items()):
        return [], ""
    name = tags.get("name:zh") or tags.get("name") or ""
    denied = ""
    claims = _claims(kinds)
    for prefix, status in LIFECYCLE.items():
        found: list[str] = []
        for kind in _claimed(tags, prefix, claims):
            if name and kind.excludes(name):
                denied = kind.id
            else:
                found.append(kind.id)
        if "school_unknown_level" in found:
            found.remove("school_unknown_level")
            found += _levels(tags, name, catalogue)
            generic = True
        else:
            generic = any(kind in _GENERIC for kind in found)
        if generic and name:
            by_name = [
                kind.id
                for kind in catalogue.kinds.values()
                if not kind.osm and any(word in name for word in kind.synonyms)
            ]
            if "health_station" in by_name and "clinic" in found:
                found.remove("clinic")
            found += [kind for kind in by_name if kind not in found and kind not in _LEVELS]
        if found:
            gone = "yes" in (tags.get("disused"), tags.get("abandoned"))
            status = "closed" if gone else status
            return [(kind, status) for kind in sorted(set(found), key=list(catalogue.kinds).index)], denied
    return [], denied


def _capacity(tags: dict[str, str], identity: str, source: str, quality: Quality) -> float:
    text = tags.get("capacity", "").strip()
    if not text:
        return float("nan")
    if text.isdecimal() and 0 < int(text) < 100_000:
        return float(text)
    quality.add("capacity_unread", source=source, id=identity, value=text[:40])
    return float("nan")


def read_facilities(
    features: Features, catalogue: Catalogue, area: Area, source: str, quality: Quality
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The `facilities` and `grounds` tables of an extract (unsorted), buffer included.

    Parameters
    ----------
    features : Features
        Nodes and areas of the extract.
    source : str
        File name, for the `source` column.

    Notes
    -----
    A thing drawn both as a point and as an area is two sites here; a planner may not add them up without looking.
    """
    rows: list[dict[str, Any]] = []
    shapes: list[Any] = []
    things = [(f"osm:n{identity}", tags, shapely.Point(lon, lat)) for identity, lon, lat, tags in features.nodes]
    things += [(identity, tags, wkb) for identity, tags, wkb in features.areas]
    things = list({identity: (identity, tags, shape) for identity, tags, shape in things}.values())
    for identity, tags, shape in things:
        kinds, denied = classify(tags, catalogue)
        name = clean_text(tags.get("name:zh") or tags.get("name") or "") or None
        if denied and not kinds:
            kind = catalogue.kinds[denied]
            quality.add("name_excluded", source=source, id=identity, name=name, kind=(kind.zh, kind.en))
        if not kinds:
            continue
        _note_level(tags, kinds, name, catalogue, {"source": source, "id": identity}, quality)
        places = _capacity(tags, identity, source, quality)
        for position, (kind_id, status) in enumerate(kinds):
            rows.append(
                {
                    "facility_id": identity if position == 0 else f"{identity}#{kind_id}",
                    "site_id": identity,
                    "kind": kind_id,
                    "name": name,
                    "operator": _OPERATORS.get(tags.get("operator:type", ""), "unknown"),
                    "status": status,
                    "serves": _SERVES.get(tags.get("access", ""), "everyone") if kind_id in _OPEN_AIR else "everyone",
                    "capacity_places": places,
                    "capacity_from": None if np.isnan(places) else "tag",
                    "located_by": "node" if identity.startswith("osm:n") else "area",
                }
            )
            shapes.append(shape)
    frame = pd.DataFrame(rows, columns=["facility_id", "site_id", "kind", "name", "operator", "status", "serves",
                                        "capacity_places", "capacity_from", "located_by"])  # fmt: skip
    frame = frame.assign(
        classes=np.nan, enrolled=np.nan, source=source, source_row=frame["site_id"], datum_in="EPSG:4326"
    )
    geometry = shapes_of(shapes)
    metric = project_geometry(geometry, GEOGRAPHIC, area.metric_epsg)
    near = shapely.intersects(metric, area.buffered) if len(metric) else np.zeros(0, dtype=bool)
    frame, geometry, metric = frame[near].reset_index(drop=True), geometry[near], metric[near]
    areal = (frame["located_by"] == "area").to_numpy()
    points = metric.copy()
    points[areal] = shapely.point_on_surface(metric[areal])
    frame["geometry"] = to_degrees(points, area.metric_epsg)
    frame["inside"] = shapely.intersects(metric, area.metric) if len(metric) else np.zeros(0, dtype=bool)
    grounds = pd.DataFrame(
        {
            "site_id": frame["site_id"][areal].to_numpy(),
            "area_ha": shapely.area(metric[areal]) / 1e4,
            "geometry": [_multi(one) for one in geometry[areal]],
        }
    ).drop_duplicates("site_id")
    return frame, grounds


def note_doubles(facilities: pd.DataFrame, grounds: pd.DataFrame, source: str, quality: Quality) -> None:
    """Sites that lie in the ground of another site of their kind and were not merged: perhaps one facility drawn twice."""
    names = {
        site: name
        for site, name in zip(facilities["site_id"], facilities["name"], strict=True)
        if isinstance(name, str)
    }
    shapes = grounds["geometry"].to_numpy(dtype=object)
    points = facilities["geometry"].to_numpy(dtype=object)
    rows, grounds_at = shapely.STRtree(shapes).query(points, predicate="within")
    kinds = facilities.groupby("site_id")["kind"].agg(set).to_dict()
    sites, ids = facilities["site_id"].to_numpy(dtype=object), facilities["kind"].to_numpy(dtype=object)
    owners = grounds["site_id"].to_numpy(dtype=object)[grounds_at]
    for row, other in zip(rows, owners, strict=True):
        if sites[row] != other and ids[row] in kinds.get(other, ()):
            called = {one: (f"“{names[one]}”（{one}）", f'"{names[one]}" ({one})') if one in names else (one, one)
                      for one in (sites[row], other)}  # fmt: skip
            quality.add("possible_double", source=source, id=sites[row], name=called[sites[row]], other=called[other])


def _multi(shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])


def note_facilities(
    frame: pd.DataFrame, unlocated: pd.DataFrame, catalogue: Catalogue, source: str, quality: Quality
) -> None:
    """Doubts about all facilities together: levels, those that do not count as existing, and kinds that nobody has."""
    if unknown := int((frame["kind"] == "school_unknown_level").sum()):
        quality.add("level_unknown", source=source, n=unknown)
    if other := int((frame["status"] != "operating").sum()):
        quality.add("not_operating", source=source, n=other)
    if few := int((frame["serves"] != "everyone").sum()):
        quality.add("serves_few", source=source, n=few)
    if lost := int((unlocated["status"] == "operating").sum()) if len(unlocated) else 0:
        quality.add("facilities_unlocated", n=lost)
    open_kinds = set(frame.loc[(frame["status"] == "operating") & (frame["serves"] == "everyone"), "kind"])
    for kind in catalogue.measured_kinds:
        if kind not in open_kinds:
            quality.add(
                "kind_unmapped", source=source, id=kind, kind=(catalogue.kinds[kind].zh, catalogue.kinds[kind].en)
            )
