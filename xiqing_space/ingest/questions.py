"""From doubts to questions: what is missing of each facility, and one row per doubt for the office that can answer it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.checkup import CheckupRules, fits
from xiqing_space.ingest.doubts import split_languages
from xiqing_space.ingest.quality import Quality

RETURN_COLUMNS = (
    "doubt_id", "department", "check", "severity", "owner_id", "name", "kind", "zone", "ask_zh", "ask_en", "fields",
    "current_zh", "current_en", "lon", "lat", "source", "row",
)  # fmt: skip
GAP_FIELDS = ("name", "operator", "capacity_places", "place")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def missing_fields(facility: Any, rules: CheckupRules) -> tuple[str, ...]:
    """Fields that a facility's kind should state and this one does not. Facilities that are closed owe nothing but a name."""
    kind = _text(facility.kind)
    lacks = []
    if not _text(facility.name) and kind in rules.gaps.get("name", ()):
        lacks.append("name")
    if facility.status != "closed":
        if _text(facility.operator) in ("", "unknown") and kind in rules.gaps.get("operator", ()):
            lacks.append("operator")
        if pd.isna(facility.capacity_places) and kind in rules.gaps.get("capacity_places", ()):
            lacks.append("capacity_places")
    geometry = facility.geometry
    if geometry is None or (isinstance(geometry, float) and pd.isna(geometry)) or geometry.is_empty:
        lacks.append("place")
    return tuple(lacks)


def with_unlocated(facilities: pd.DataFrame, unlocated: pd.DataFrame) -> pd.DataFrame:
    """The facilities, and after them the rows of lists whose place is to be verified, without geometry and marked `to_verify`."""
    import geopandas as gpd

    given = gpd.GeoDataFrame(facilities).assign(zone="", to_verify=False)
    if unlocated.empty:
        return given
    lost = unlocated.assign(
        site_id=unlocated["facility_id"], inside=True, capacity_places=float("nan"), capacity_from=None, located_by=None,
        classes=float("nan"), enrolled=float("nan"), datum_in=None, to_verify=True, geometry=None,
    )  # fmt: skip
    lost = gpd.GeoDataFrame(lost.reindex(columns=given.columns), geometry="geometry", crs=given.crs)
    return pd.concat([given, lost], ignore_index=True)


def _inside(facilities: pd.DataFrame) -> pd.DataFrame:
    """Facilities of the area, those whose place is unknown among them."""
    inside = facilities["inside"].map(lambda value: pd.isna(value) or bool(value)).to_numpy(dtype=bool)
    if "to_verify" in facilities:  # their lists' own doubts ask for the place; what else they lack is not known here
        inside = inside & ~facilities["to_verify"].to_numpy(dtype=bool)
    return facilities[inside].sort_values("facility_id", ignore_index=True)


def note_questions(facilities: pd.DataFrame, catalogue: Catalogue, rules: CheckupRules, quality: Quality) -> None:
    """Add a doubt for each facility of the area that is not operating, of unknown level, or lacks what its kind should state.

    Parameters
    ----------
    facilities : DataFrame
        The `facilities` table; `inside` or geometry may be missing where a row of a list has no place yet.
    """
    for one in _inside(facilities).itertuples(index=False):
        kind = catalogue.kinds[one.kind]
        name = _text(one.name) or (f"无名称，{one.facility_id}", f"unnamed, {one.facility_id}")
        about = {"source": _text(one.source), "row": _row_of(one), "id": one.facility_id, "name": name}
        if one.status != "operating":
            zh, en = catalogue.word(one.status)
            quality.add("ask_status", **about, kind=(kind.zh, kind.en), status=(zh, en.lower()))
        if one.kind == "school_unknown_level":
            quality.add("ask_level", **about)
        if lacks := missing_fields(one, rules):
            words = [catalogue.word(f"checkup_field_{field}") for field in lacks]
            fields = ("、".join(zh for zh, _ in words), ", ".join(en for _, en in words))
            quality.add("ask_gaps", **about, kind=(kind.zh, kind.en), fields=fields)


def _row_of(facility: Any) -> str:
    """Row in the source file; an OSM object's id is none."""
    row = _text(facility.source_row)
    return "" if row.startswith("osm:") else row


def build_returns(
    doubts: pd.DataFrame, facilities: pd.DataFrame, zones: pd.DataFrame, catalogue: Catalogue, rules: CheckupRules,
    compounds: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    """One row per doubt that somebody can answer, with the office that is asked.

    Parameters
    ----------
    doubts : DataFrame
        Doubts with `doubt_id`.
    facilities, zones : DataFrame
        Tables of the same run, geometry in EPSG:4326.
    compounds : DataFrame, optional
        Those whose gates are asked for: compound_id, name, geometry.

    Returns
    -------
    DataFrame
        `RETURN_COLUMNS`, by department in catalogue order, zone, kind, thing. `fields`: what an answer is about, joined by |.
        `owner_id`: the facility or compound, where the doubt is about one; `lon`, `lat`: its place. Doubts that need no answer (`not_asked`) are left out.
    """
    known = _Known(facilities, zones, compounds)
    rows = [_return_row(one, known, catalogue, rules) for one in doubts.itertuples(index=False)]
    frame = pd.DataFrame([row for row in rows if row is not None], columns=list(RETURN_COLUMNS))
    place = {one.id: number for number, one in enumerate(rules.departments)}
    kinds = {kind: number for number, kind in enumerate(catalogue.kinds)}
    order = frame.assign(
        _department=frame["department"].map(place), _kind=frame["kind"].map(kinds).fillna(len(kinds)).astype(int)
    )
    by = ["_department", "zone", "_kind", "name", "owner_id", "check", "source", "row", "doubt_id"]
    return order.sort_values(by, kind="stable")[list(RETURN_COLUMNS)].reset_index(drop=True)


class _Known:
    """Facilities by id, site and source row, each with its zone."""

    def __init__(self, facilities: pd.DataFrame, zones: pd.DataFrame, compounds: pd.DataFrame | None = None) -> None:
        self.compounds = _compounds(compounds, zones)
        ordered = facilities.sort_values("facility_id", ignore_index=True)
        self.zone_names = dict(zip(zones["zone_id"], zones["name"], strict=True))
        zone = _zone_names(ordered["geometry"], zones)
        if "zone" in ordered:  # as the list states it, where the place is not known
            zone = [found or _text(listed) for found, listed in zip(zone, ordered["zone"], strict=True)]
        self.by_id: dict[str, tuple[Any, str]] = {}
        self.by_row: dict[tuple[str, str], tuple[Any, str]] = {}
        for number, one in enumerate(ordered.itertuples(index=False)):
            self.by_id.setdefault(one.facility_id, (one, zone[number]))
            self.by_row.setdefault((_text(one.source), _text(one.source_row)), (one, zone[number]))
        for number, one in enumerate(ordered.itertuples(index=False)):
            self.by_id.setdefault(one.site_id, (one, zone[number]))

    def of(self, doubt: Any) -> tuple[Any, str] | None:
        if doubt.id:
            return self.by_id.get(doubt.id)
        return self.by_row.get((doubt.source, doubt.row)) if doubt.row else None


def _compounds(compounds: pd.DataFrame | None, zones: pd.DataFrame) -> dict[str, tuple[str, str, Any]]:
    """Name, zone and a point of each compound by id."""
    if compounds is None or compounds.empty:
        return {}
    points = shapely.point_on_surface(compounds["geometry"].to_numpy(dtype=object))
    rows = zip(
        compounds["compound_id"],
        compounds["name"],
        _zone_names(pd.Series(points, dtype=object), zones),
        points,
        strict=True,
    )
    return {identity: (_text(name), zone, point) for identity, name, zone, point in rows}


def _zone_names(points: pd.Series, zones: pd.DataFrame) -> list[str]:
    """Name of the zone that holds each point, the first by id where two do; empty for those in none or without place."""
    ordered = zones.sort_values("zone_id", ignore_index=True)
    names = [""] * len(points)
    shapes = [one if isinstance(one, shapely.Geometry) else None for one in points]
    at, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(shapes, predicate="intersects")
    for one, number in sorted(zip(at.tolist(), zone.tolist(), strict=True), reverse=True):
        names[one] = str(ordered["name"].iloc[number])
    return names


def _return_row(doubt: Any, known: _Known, catalogue: Catalogue, rules: CheckupRules) -> dict[str, Any] | None:
    if fits(doubt.check, rules.not_asked):
        return None
    found = known.of(doubt)
    facility, zone = found if found else (None, known.zone_names.get(doubt.id, ""))
    compound = known.compounds.get(doubt.id) if facility is None else None
    if compound is not None:
        zone = compound[1]
    kind = facility.kind if facility is not None else doubt.id if doubt.id in catalogue.kinds else ""
    ask = rules.ask(doubt.check)
    how_zh, how_en = (ask.zh, ask.en) if ask else split_languages(doubt.what_to_do)
    fields: tuple[str, ...] = ask.fields if ask else ()
    if facility is not None and doubt.check == "ask_gaps":
        fields = missing_fields(facility, rules)
    return {
        "doubt_id": doubt.doubt_id,
        "department": rules.department(doubt.check, kind or None).id,
        "check": doubt.check,
        "severity": doubt.severity,
        "owner_id": facility.facility_id if facility is not None else doubt.id if compound is not None else "",
        "name": _text(facility.name) if facility is not None else compound[0] if compound is not None else "",
        "kind": kind,
        "zone": zone,
        "ask_zh": f"{doubt.what_zh.rstrip('。')}。{how_zh}",
        "ask_en": f"{doubt.what_en.rstrip('.')}. {how_en[:1].upper()}{how_en[1:]}",
        "fields": "|".join(fields),
        "current_zh": _current(facility, fields, catalogue, 0) if facility is not None else "",
        "current_en": _current(facility, fields, catalogue, 1) if facility is not None else "",
        **_place(facility.geometry if facility is not None else compound[2] if compound is not None else None),
        "source": doubt.source,
        "row": doubt.row or (doubt.id if doubt.id.startswith("osm:") else ""),
    }


def _place(point: Any) -> dict[str, float]:
    """Where a thing is recorded, degrees of WGS-84; missing where it has no place."""
    if isinstance(point, shapely.Point) and not point.is_empty:
        return {"lon": point.x, "lat": point.y}
    return {"lon": float("nan"), "lat": float("nan")}


def _current(facility: Any, fields: tuple[str, ...], catalogue: Catalogue, language: int) -> str:
    """The values as the data have them, of the fields that are asked about."""
    missing = catalogue.word("checkup_missing")[language]
    parts = []
    for field in fields:
        label = catalogue.word(f"checkup_field_{field}")[language]
        parts.append(
            f"{label}{'：' if language == 0 else ': '}{_value(facility, field, catalogue, language) or missing}"
        )
    return ("；" if language == 0 else "; ").join(parts)


def _value(facility: Any, field: str, catalogue: Catalogue, language: int) -> str:
    if field == "kind":
        kind = catalogue.kinds[facility.kind]
        return (kind.zh, kind.en)[language]
    if field == "status":
        return catalogue.word(facility.status)[language]
    if field == "operator":
        return (
            "" if facility.operator == "unknown" else catalogue.word(f"checkup_operator_{facility.operator}")[language]
        )
    if field == "capacity_places":
        return "" if pd.isna(facility.capacity_places) else f"{facility.capacity_places:g}"
    return _text(facility.name) if field == "name" else ""
