"""Part of stage ingest: what the office states of the way to school, and what field sheets brought back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.datums import parse_datum
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.columns import find_columns
from xiqing_space.ingest.datum_evidence import Reference
from xiqing_space.ingest.field_sheets import Known, read_field_sheets, with_guards
from xiqing_space.ingest.school_lists import (
    AREA_COLUMNS,
    ASSIGNMENT_COLUMNS,
    SHARE_COLUMNS,
    no_rows,
    note_areas,
    read_assignments,
    read_school_areas,
    read_shares,
)
from xiqing_space.ingest.school_names import SCHOOL_KINDS, Schools
from xiqing_space.ingest.school_places import SURVEY_COLUMNS, Surveyable, read_guards, read_premises
from xiqing_space.ingest.school_units import Units
from xiqing_space.ingest.sheets import Sheet, read_sheet
from xiqing_space.ingest.sight_sheets import COLUMNS as SIGHT_COLUMNS
from xiqing_space.ingest.sight_sheets import SightSheets
from xiqing_space.safety.crossing_tags import tagged
from xiqing_space.safety.tag_values import DRAWN, TagReader
from xiqing_space.sections import TableConfig
from xiqing_space.stages.context import Context

OVERLAP = 0.02  # of the smaller of two 学区: less is how two hands draw one line


@dataclass(frozen=True)
class SchoolLayers:
    """What of ingest's other layers the office's words are held against; tables, EPSG:4326."""

    area: Area
    zones: pd.DataFrame
    compounds: pd.DataFrame  # open ones too
    facilities: pd.DataFrame
    grounds: pd.DataFrame
    gates: pd.DataFrame  # surveyed
    mapped_gates: pd.DataFrame
    streets: pd.DataFrame
    street_tags: pd.DataFrame
    crossings: pd.DataFrame  # mapped


def read_school_inputs(context: Context, layers: SchoolLayers) -> None:
    """Put `school_areas`, `school_assignments`, `school_shares`, `street_survey`, `obstacle_survey`; all empty where nothing is named."""
    given, store = context.config.routes, context.store
    schools = _schools(context, layers) if given.areas or given.assignment or given.shares or given.guards else None
    assignments = store.put("school_assignments", _assignments(context, layers, schools))
    areas = [
        _areas(context, layers, schools),
        _open_compounds(assignments, layers, set(store.get("compounds")["compound_id"])),
    ]
    store.put("school_areas", pd.concat([one for one in areas if len(one)] or areas[:1], ignore_index=True))
    store.put("school_shares", _shares(context, schools))
    survey, sights = _field_sheets(context, layers)
    store.put("obstacle_survey", sights)
    store.put("street_survey", with_guards(survey, _guards(context, layers, schools), context.quality))


def read_listed_premises(context: Context, area: Area, reference: Callable[[], Reference]) -> pd.DataFrame | None:
    """Rows of `surroundings` that lists add; None where none is named. `reference` is made only then."""
    given = context.config.routes.surroundings
    if not given:
        return None
    found = []
    bounds, held = area.polygon.bounds, reference()
    for at, one in enumerate(given, 1):
        sheet = _sheet(context, one, f"routes.surroundings-{at}")
        datum = parse_datum(one.datum) if one.datum else None
        rows = read_premises(sheet, one.file, datum, bounds, held, context.quality, what=one.what, columns=one.columns)
        points = project_geometry(rows["geometry"].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg)
        found.append(rows[shapely.intersects(points, area.buffered)])
    return _joined(found, "thing_id", [one.file.name for one in given])


def _sheet(context: Context, given: TableConfig, role: str) -> Sheet:
    sheet = read_sheet(
        given.file, sheet=given.sheet, header_row=given.header_row, encoding=given.encoding, keep_faults=True
    )
    context.rows_read[role] = len(sheet.rows)
    return sheet


def _joined(frames: Sequence[pd.DataFrame], key: str, names: Sequence[str]) -> pd.DataFrame:
    """Rows of several files as one table."""
    every = pd.concat([one for one in frames if len(one)] or list(frames[:1]), ignore_index=True)
    if twice := sorted(set(every.loc[every[key].duplicated(), key])):
        raise InputDataError(
            "同一文件写了两次，或两份文件同名 / a file is named twice, or two files have one name", where="、".join(sorted(set(names))),
            first=twice, todo="删去一份，或改文件名 / remove one, or rename it",
        )  # fmt: skip
    return every


def _areas_of(context: Context) -> tuple[str, ...]:
    return tuple(re.findall(r"[^省市区县]+[省市区县]", context.config.area.name))


def _schools(context: Context, layers: SchoolLayers) -> Schools:
    kinds = {*SCHOOL_KINDS, *context.catalogue.safety["routes"]["kinds"]}
    return Schools(layers.facilities, kinds, tuple(layers.zones["name"].dropna()), _areas_of(context))


def _areas(context: Context, layers: SchoolLayers, schools: Schools | None) -> pd.DataFrame:
    given = context.config.routes.areas
    if not given or schools is None:
        return no_rows(AREA_COLUMNS)
    found = []
    for at, one in enumerate(given, 1):
        rows = read_school_areas(one.file, schools, context.catalogue, context.quality, kind=one.kind, columns=one.columns,
                                 layer=one.layer, crs=one.crs, encoding=one.encoding)  # fmt: skip
        context.rows_read[f"routes.areas-{at}"] = len(rows)
        found.append(rows)
    every = _joined(found, "area_id", [one.file.name for one in given]).sort_values("area_id", ignore_index=True)
    metric = project_geometry(every["geometry"].to_numpy(dtype=object), GEOGRAPHIC, layers.area.metric_epsg)
    note_areas(every, metric, layers.area.buffered, OVERLAP, context.quality)
    return every


def _assignments(context: Context, layers: SchoolLayers, schools: Schools | None) -> pd.DataFrame:
    given = context.config.routes.assignment
    if not given or schools is None:
        return no_rows(ASSIGNMENT_COLUMNS)
    units = Units(layers.compounds, layers.zones, _membership(context), _areas_of(context))
    found = []
    for at, one in enumerate(given, 1):
        sheet = _sheet(context, one, f"routes.assignment-{at}")
        found.append(
            read_assignments(sheet, one.file, schools, units, context.catalogue, context.quality, kind=one.kind, columns=one.columns)
        )  # fmt: skip
    return _joined(found, "row_id", [one.file.name for one in given])


def _open_compounds(assignments: pd.DataFrame, layers: SchoolLayers, walled: set[str]) -> pd.DataFrame:
    """Compounds of the assignment table without a wall, as 学区 of their own: homes know the walled compound in which they stand alone."""
    shape = dict(zip(layers.compounds["compound_id"], layers.compounds["geometry"], strict=True))
    rows = [
        (one.row_id, one.school_id, one.school_name, one.kind, shape[one.unit_id])
        for one in assignments.itertuples(index=False)
        if one.unit == "compound" and isinstance(one.unit_id, str) and one.unit_id not in walled
    ]
    return pd.DataFrame(rows, columns=list(AREA_COLUMNS), dtype=object)


def _membership(context: Context) -> pd.DataFrame:
    """Communities and their compounds, as the membership table of [population] names them."""
    given = context.config.population.membership
    if given is None:
        return no_rows(("community", "compound"))
    sheet = read_sheet(given.file, sheet=given.sheet, header_row=given.header_row, encoding=given.encoding)
    found = find_columns(sheet, ("zone", "community", "compound"), given.columns)
    if not {"community", "compound"} <= set(found):
        return no_rows(("community", "compound"))
    return pd.DataFrame({name: sheet.frame[found[name]].to_numpy(dtype=object) for name in ("community", "compound")})


def _shares(context: Context, schools: Schools | None) -> pd.DataFrame:
    given = context.config.routes.shares
    if given is None or schools is None:
        return no_rows(SHARE_COLUMNS)
    return read_shares(_sheet(context, given, "routes.shares"), schools, context.quality, given.columns)


# ---- 护学岗 and field sheets


def _guards(context: Context, layers: SchoolLayers, schools: Schools | None) -> pd.DataFrame:
    given = context.config.routes.guards
    if not given or schools is None:
        return no_rows(SURVEY_COLUMNS)
    ground = dict(zip(layers.grounds["site_id"], layers.grounds["geometry"], strict=True))
    sites = layers.facilities.drop_duplicates("site_id")[["site_id", "geometry"]]
    shapes = [ground.get(site, point) for site, point in zip(sites["site_id"], sites["geometry"], strict=True)]
    open_ = layers.gates[(layers.gates["status"] != "closed").to_numpy(dtype=bool)]
    there = Surveyable(
        pd.DataFrame({"site_id": sites["site_id"].to_numpy(), "geometry": shapes}), open_, layers.crossings
    )
    found = []
    for at, one in enumerate(given, 1):
        sheet = _sheet(context, one, f"routes.guards-{at}")
        datum = parse_datum(one.datum) if one.datum else None
        found.append(read_guards(sheet, schools, there, datum, layers.area.polygon.bounds, layers.area.metric_epsg, context.quality,
                                 columns=one.columns))  # fmt: skip
    return pd.concat([one for one in found if len(one)] or found[:1], ignore_index=True)


def _field_sheets(context: Context, layers: SchoolLayers) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`street_survey` and `obstacle_survey`."""
    paths = context.config.routes.field_sheets
    if not paths:
        return no_rows(SURVEY_COLUMNS), no_rows(SIGHT_COLUMNS)
    streets = layers.streets
    ends = dict(zip(streets["edge_id"], zip(streets["u"], streets["v"], strict=True), strict=True))
    owners = {*layers.facilities["site_id"], *layers.compounds["compound_id"]}
    gates = {*layers.mapped_gates["gate_id"], *layers.gates["gate_id"]}
    known = Known(ends.keys(), ends, set(layers.crossings["crossing_id"]), gates, owners)
    sights = SightSheets(known, set(context.store.get("obstacles")["obstacle_id"]))
    survey, counts = read_field_sheets(paths, known, _tags(context, layers), context.quality, other=sights)
    for at, path in enumerate(paths, 1):
        context.rows_read[f"routes.field_sheets-{at}"] = counts.get(path.name, 0)
    return survey, sights.table()


def _tags(context: Context, layers: SchoolLayers) -> Callable[[str, str, str], str | None]:
    """What the map itself says of an item's attribute, in the words of `street_survey`."""
    way = dict(
        zip(
            layers.streets["edge_id"],
            zip(layers.streets["osm_id"], layers.streets["highway"], strict=True),
            strict=True,
        )
    )
    tags = dict(zip(layers.street_tags["osm_id"], layers.street_tags["tags"], strict=True))
    crossing = {one: at for at, one in enumerate(layers.crossings["crossing_id"])}
    return partial(_tag_of, context.catalogue.safety, way, tags, crossing, layers.crossings)


def _tag_of(
    rules: dict[str, Any], way: dict[str, tuple[str, str]], tags: dict[str, str], crossing: dict[str, int], crossings: pd.DataFrame,
    item: str, item_type: str, name: str,
) -> str | None:  # fmt: skip
    if item_type == "edge":
        osm_id, highway = way[item]
        roads = rules["roads"]
        read = TagReader(
            json.loads(tags.get(osm_id, "{}")), highway in roads["order"], highway.startswith("motorway"), rules
        ).read()
        return _as_text(getattr(read, name, None))
    if item_type == "crossing" and item in crossing and name in ("control", "island", "raised", "step_free"):
        row = crossings.iloc[[crossing[item]]]
        return _as_text(tagged(row["tags"], row["control"])[name].iloc[0])
    return None


def _as_text(value: Any) -> str | None:
    if value is None or value == DRAWN or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
