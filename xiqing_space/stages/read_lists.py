"""Part of stage ingest: facility lists placed, matched, merged with what the map holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, points_of, project_geometry, to_degrees
from xiqing_space.datums import Datum, check_axis, parse_datum, to_wgs84
from xiqing_space.errors import InputDataError
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.datum_check import check_datum
from xiqing_space.ingest.datum_evidence import Reference, build_reference
from xiqing_space.ingest.match_answers import Decisions, locate_rows, no_decisions, note_answers, read_match_workbook
from xiqing_space.ingest.match_workbook import WORKBOOK, write_match_workbook
from xiqing_space.ingest.matching import CANDIDATE_COLUMNS, ROW_COLUMNS, match_list, note_matches, zone_key
from xiqing_space.ingest.name_score import compare_names
from xiqing_space.ingest.names import normalise, plain_text, strip_prefixes
from xiqing_space.ingest.osm import Features
from xiqing_space.ingest.population import owner_of
from xiqing_space.ingest.sites import LEVELS, UNKNOWN_LEVEL, build_sites, note_merges
from xiqing_space.schemas import TABLES
from xiqing_space.sections import FacilityListConfig
from xiqing_space.stages.context import Context
from xiqing_space.stages.list_rows import read_all

OSM_TRUST = 5
_NAME_IN_GROUND = 0.5  # within one fence a word left out is a variant; another number or branch still denies
_EXTENT_SPARE = 0.5  # of a degree round the area: what lies farther off is read wrongly, or is another city's
_FIELDS = ("operator", "status", "serves", "classes", "enrolled", "capacity_places", "address", "legal_person")


@dataclass(frozen=True)
class Lists:
    """What became of the lists: facilities and grounds with the map's, rows whose place is to be verified, and every merge."""

    facilities: pd.DataFrame
    grounds: pd.DataFrame
    unlocated: pd.DataFrame
    merges: pd.DataFrame
    waiting: pd.DataFrame  # rows of `unlocated` with the columns of `facilities`, for those that get a place later


def reference_of(streets: pd.DataFrame, features: Features, facilities: pd.DataFrame, area: Area) -> Reference:
    """What of the map a list's datum is held against."""
    return build_reference(streets, area.metric_epsg, features.building_shapes, facilities)


def _words(datum: Datum) -> tuple[str, str]:
    return datum.zh, str(datum)


def _place(
    rows: pd.DataFrame, datum: Datum, given: FacilityListConfig, area: Area, reference: Reference, context: Context
) -> pd.DataFrame:
    """Rows with `lon` and `lat` in WGS-84, their datum held against the streets."""
    source, quality = given.file.name, context.quality
    west, south, east, north = area.polygon.bounds
    extent = (west - _EXTENT_SPARE, south - _EXTENT_SPARE, east + _EXTENT_SPARE, north + _EXTENT_SPARE)
    x, y = rows["x"].to_numpy(dtype=float), rows["y"].to_numpy(dtype=float)
    axis = check_axis(datum, x, y, extent)
    if axis.kind in ("swapped", "prefix"):
        check = "axes_swapped" if axis.kind == "swapped" else "zone_prefix"
        quality.add(check, source=source, datum=_words(axis.read_as), declared=_words(datum))
    x, y = (y, x) if axis.swap else (x, y)
    if axis.rows:
        if len(axis.rows) == int(np.isfinite(x).sum()):
            raise InputDataError(
                f"所有坐标都不在评估范围附近（按 {datum.zh} 读取）/ no coordinate lies near the study area (read as {datum})",
                where=source,
                first=[f"第 {rows['source_row'].iloc[at]} 行 / row {rows['source_row'].iloc[at]}: {x[at]:g}, {y[at]:g}"
                       for at in axis.rows],
                todo="检查 datum 与评估范围 / check datum and the study area",
            )  # fmt: skip
        for at in axis.rows:
            quality.add("place_far", source=source, row=str(rows["source_row"].iloc[at]), name=str(rows["name"].iloc[at])[:60],
                        x=f"{x[at]:g}", y=f"{y[at]:g}")  # fmt: skip
        x, y = x.copy(), y.copy()
        x[list(axis.rows)] = y[list(axis.rows)] = np.nan
    found = check_datum(x, y, axis.read_as, reference, rows["kind"].tolist(), rows["name"].tolist())
    if found.verdict == "plainly_better":
        if not given.datum_reason:
            raise found.error(source)
        quality.add(
            "datum_overridden", source=source, datum=_words(axis.read_as), detail=found.words, reason=given.datum_reason
        )
    elif found.verdict == "unclear" and found.readings:
        quality.add("datum_unclear", source=source, datum=_words(axis.read_as), detail=found.words)
    if axis.read_as.approximate:
        quality.add("datum_approximate", source=source, datum=_words(axis.read_as))
    if axis.read_as.grid is not None and not axis.read_as.grid.n_control:
        quality.add("local_grid_unchecked", source=source)
    lon, lat = to_wgs84(axis.read_as, x, y)
    return rows.assign(lon=lon, lat=lat, datum_in=str(axis.read_as))


def _osm_rows(facilities: pd.DataFrame) -> pd.DataFrame:
    points = facilities["geometry"].to_numpy(dtype=object)
    return facilities.drop(columns=["geometry"]).rename(columns={"facility_id": "row_id"}).assign(
        lon=shapely.get_x(points), lat=shapely.get_y(points), priority=OSM_TRUST, list_id=facilities["site_id"],
        address=None, zone=None, legal_person=None,
    )  # fmt: skip


def _candidates(located: pd.DataFrame, compounds: pd.DataFrame, zones: pd.DataFrame, area: Area) -> pd.DataFrame:
    """Places that a row without coordinates may be: located facilities, and compounds that one may be named after."""
    frame = located[located["name"].notna()].rename(columns={"row_id": "candidate_id"})
    named = compounds[compounds["name"].notna()]
    points = shapely.point_on_surface(named["geometry"].to_numpy(dtype=object))
    places = pd.DataFrame(
        {
            "candidate_id": ("compound:" + named["compound_id"].astype(object)).to_numpy(dtype=object), "name": named["name"].to_numpy(dtype=object),
            "kind": "compound", "lon": shapely.get_x(points), "lat": shapely.get_y(points), "source": "compounds",
        }
    )  # fmt: skip
    both = pd.concat([frame, places], ignore_index=True)
    metric = project_geometry(points_of(both), GEOGRAPHIC, area.metric_epsg)
    names = dict(zip(zones["zone_id"], zones["name"], strict=True))
    both["zone"] = [names.get(one) for one in owner_of(metric, zones, "zone_id", area)]
    return both.reindex(columns=list(CANDIDATE_COLUMNS))


def _match(
    context: Context,
    rows: pd.DataFrame,
    located: pd.DataFrame,
    compounds: pd.DataFrame,
    zones: pd.DataFrame,
    area: Area,
) -> pd.DataFrame:
    """Rows without coordinates at the places that they were matched to; writes the workbook of questions."""
    candidates = _candidates(located, compounds, zones, area)
    asked = rows.drop_duplicates("list_id").assign(row_id=lambda frame: frame["list_id"])
    names = tuple(zones["name"].dropna().tolist())
    matches = match_list(asked, candidates, zones=names, areas=_area_names(context),
                         accept_score=context.config.matching.accept_score)  # fmt: skip
    decisions = _answers(context, asked, candidates)
    found = locate_rows(asked, matches, candidates, decisions).set_index("row_id")
    questions = set(matches.loc[matches["decided"] == "ask", "row_id"]) & set(
        found.index[found["state"] == "to_verify"]
    )
    note_matches(matches[~matches["row_id"].isin(found.index[found["state"] != "to_verify"])], asked, context.quality)
    context.reports.mkdir(parents=True, exist_ok=True)
    write_match_workbook(context.reports / WORKBOOK, matches, asked, candidates)
    mine = found.reindex(rows["list_id"])
    lon, lat = mine["lon"].to_numpy(dtype=float).copy(), mine["lat"].to_numpy(dtype=float).copy()
    for text in sorted(set(mine["datum"].dropna())):
        here = (mine["datum"] == text).to_numpy()
        lon[here], lat[here] = to_wgs84(parse_datum(text), lon[here], lat[here])
    facility = set(located["row_id"])
    chosen = mine["candidate_id"].to_numpy(dtype=object)
    same = [one if isinstance(one, str) and one in facility else None for one in chosen]
    return rows.assign(
        lon=lon,
        lat=lat,
        same_as=same,
        asked=rows["list_id"].isin(questions),
        # the office has said that it is none of the places that were offered
        denied=rows["list_id"].isin(
            decisions.answers.loc[decisions.answers["decision"].isin(["none", "revoked"]), "row_id"]
        ),
        located_by=mine["located_by"].to_numpy(dtype=object),
        # a matched place is the candidate's; one that was typed is in the datum that was stated with it
        datum_in=np.where(mine["state"] == "by_hand", mine["datum"], "EPSG:4326"),
    )


def _answers(context: Context, asked: pd.DataFrame, candidates: pd.DataFrame) -> Decisions:
    """What all confirmation workbooks answer."""
    decisions = no_decisions()
    for at, path in enumerate(context.config.matching.answers, 1):
        more = read_match_workbook(path, asked, candidates)
        note_answers(more, path.name, context.quality)
        context.rows_read[f"matching.answers-{at}"] = len(more.answers) + len(more.stale)
        decisions = _both(decisions, more, path.name)
    return decisions


def _both(one: Decisions, other: Decisions, source: str) -> Decisions:
    twice = sorted(set(one.answers["row_id"]) & set(other.answers["row_id"]))
    if twice:
        raise InputDataError(
            "同一行在两份匹配表中都有答复 / rows are answered in two workbooks", where=source, first=twice,
            todo="只保留一份答复 / keep one answer to each",
        )  # fmt: skip
    return Decisions(*(
        pd.concat([frame for frame in pair if len(frame)] or [pair[0]], ignore_index=True)
        for pair in ((one.answers, other.answers), (one.stale, other.stale))
    ))  # fmt: skip


def _area_names(context: Context) -> tuple[str, ...]:
    """The parts of the area's name that may stand before a facility's: 天津市, 西青区."""
    return tuple(re.findall(r"[^省市区县]+[省市区县]", context.config.area.name))


def read_lists(
    context: Context, area: Area, zones: pd.DataFrame, streets: pd.DataFrame, features: Features,
    facilities: pd.DataFrame, grounds: pd.DataFrame, compounds: pd.DataFrame,
) -> Lists:  # fmt: skip
    """Facilities of all lists and of the map as one table.

    Parameters
    ----------
    features : Features
        Its buildings are evidence for the datum check.
    facilities, grounds : DataFrame
        The map's.
    """
    reference = None
    located, waiting = [_osm_rows(facilities)], []
    for given, rows, datum in read_all(context):
        known = rows["x"].notna() & rows["y"].notna()
        if known.any() and datum is not None:
            reference = reference or reference_of(streets, features, facilities, area)
            placed = _place(rows[known], datum, given, area, reference, context)
            there = placed["lon"].notna()
            located.append(placed[there].assign(located_by="file"))
            waiting.append(placed[~there])
        waiting.append(rows[~known])
    prefixes = tuple(zones["name"].dropna()), _area_names(context)
    every = pd.concat([one for one in located if len(one)] or located[:1], ignore_index=True)
    every = every.assign(same_as=_on_one_ground(every, grounds, *prefixes))
    # what has a place is settled first: rows without one are matched to sites, not to each of their records
    sites, merges = build_sites(every, zones=prefixes[0], areas=prefixes[1], quality=context.quality)
    unplaced = (
        pd.concat([one for one in waiting if len(one)] or waiting[:1], ignore_index=True) if waiting else pd.DataFrame()
    )
    if not len(unplaced):  # answers to rows that have coordinates by now, or are gone, are told, not passed over
        nobody = pd.DataFrame({name: [] for name in ROW_COLUMNS}, dtype=object)
        _answers(context, nobody, pd.DataFrame({name: [] for name in CANDIDATE_COLUMNS}, dtype=object))
    if len(unplaced):
        placed = _match(context, unplaced, sites.drop(columns="site_id"), compounds, zones, area)
        both = pd.concat([sites.assign(same_as=None), placed], ignore_index=True)
        sites, more = build_sites(both, zones=prefixes[0], areas=prefixes[1], quality=context.quality)
        later = dict(zip(more["merged_row_id"], more["kept_row_id"], strict=True))
        kept = [later.get(one, one) for one in merges["kept_row_id"]]
        merges = pd.concat(
            [one for one in (merges.assign(kept_row_id=kept), more) if len(one)] or [merges], ignore_index=True
        )
    rows = pd.concat([one for one in (every, unplaced) if len(one)] or [every], ignore_index=True)
    note_merges(merges, dict(zip(rows["row_id"], rows["source"].astype(str), strict=True)), context.quality)
    for field, unstated in (("serves", "everyone"), ("status", "operating")):
        sites = sites.assign(**{field: sites[field].astype(object).where(sites[field].notna(), unstated)})
    sites = _may_be_counted(sites, merges, rows, zones, prefixes[1])
    return _as_tables(context, area, sites, merges, grounds)


def _may_be_counted(
    sites: pd.DataFrame, merges: pd.DataFrame, rows: pd.DataFrame, zones: pd.DataFrame, areas: Sequence[str]
) -> pd.DataFrame:
    """`asked` also for rows without a place that may be a facility of their kind and town which their list does not hold yet.

    A list names a facility once: one that a row of the list went into cannot be another row of it. Any other of the kind in the
    town may, under another name, so that the lower end of a count must not hold both.
    """
    asked = (
        sites["asked"].eq(True).to_numpy(dtype=bool).copy() if "asked" in sites else np.zeros(len(sites), dtype=bool)
    )
    known = (sites["lon"].notna() & sites["lat"].notna()).to_numpy(dtype=bool)
    held: dict[str, set[str]] = {}
    went = dict(zip(merges["merged_row_id"], merges["kept_row_id"], strict=True))
    for row, source in zip(rows["row_id"], rows["source"].astype(str), strict=True):
        held.setdefault(went.get(row, row), set()).add(source)
    there = sites[known]
    ordered = zones.sort_values("zone_id", ignore_index=True)
    at, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(
        points_of(there), predicate="intersects"
    )
    towns = [zone_key(_bare(name, areas)) for name in ordered["name"]]
    town = dict(zip(at.tolist(), [towns[one] for one in zone.tolist()], strict=True))
    found: dict[str, list[tuple[str, set[str]]]] = {}
    for place, (row, kind) in enumerate(zip(there["row_id"], there["kind"], strict=True)):
        if place in town:  # of the district
            found.setdefault(kind, []).append((town[place], held.get(row, set())))
    denied = sites["denied"].eq(True).to_numpy(dtype=bool) if "denied" in sites else np.zeros(len(sites), dtype=bool)
    for place in np.flatnonzero(~known & ~asked & ~denied).tolist():
        one = sites.iloc[place]
        mine = zone_key(_bare(one["zone"], areas))
        asked[place] = any(
            str(one["source"]) not in sources and (not mine or not name or mine == name)
            for name, sources in found.get(one["kind"], [])
        )
    return sites.assign(asked=asked)


def _bare(name: object, areas: Sequence[str]) -> str:
    """A town's name without the district before it."""
    return strip_prefixes(plain_text(name).replace(" ", ""), (), tuple(areas))[0]


def _on_one_ground(
    rows: pd.DataFrame, grounds: pd.DataFrame, zones: Sequence[str], areas: Sequence[str]
) -> list[str | None]:
    """For rows that lie in the ground of a map's site of their kind and of an agreeing name: that site's row.

    A point at a school's door may lie farther from the middle of its ground than two schools lie apart.
    """
    kind, name = rows["kind"].to_numpy(dtype=object), rows["name"].to_numpy(dtype=object)
    owner = {(site, one): row for site, one, row in rows.loc[rows["located_by"] == "area", ["site_id", "kind", "row_id"]]
             .itertuples(index=False)}  # fmt: skip
    called = dict(zip(rows["row_id"], name, strict=True))
    found: list[str | None] = [None] * len(rows)
    points = np.flatnonzero((rows["located_by"] != "area").to_numpy())
    shapes = grounds["geometry"].to_numpy(dtype=object)
    inner, outer = shapely.STRtree(shapes).query(points_of(rows)[points], predicate="within")
    for at, site in zip(points[inner], grounds["site_id"].to_numpy(dtype=object)[outer], strict=True):
        target = owner.get((site, kind[at])) or (owner.get((site, UNKNOWN_LEVEL)) if kind[at] in LEVELS else None)
        if target is None or not isinstance(name[at], str) or not isinstance(called[target], str):
            continue
        agreement = compare_names(normalise(name[at], zones, areas), normalise(called[target], zones, areas))
        if agreement.score >= _NAME_IN_GROUND and not agreement.denied:
            found[at] = target
    return found


def _as_tables(context: Context, area: Area, sites: pd.DataFrame, merges: pd.DataFrame, grounds: pd.DataFrame) -> Lists:
    known = (sites["lon"].notna() & sites["lat"].notna()).to_numpy()
    points = points_of(sites[known])
    metric = project_geometry(points, GEOGRAPHIC, area.metric_epsg)
    # a park of the map may reach into the area, or its buffer, with its middle outside: its whole ground decided that
    of_map = (
        sites.loc[known, "inside"] if "inside" in sites else pd.Series(None, index=sites.index[known], dtype=object)
    )
    inside = shapely.intersects(metric, area.metric) | of_map.eq(True).to_numpy(dtype=bool)
    near = shapely.intersects(metric, area.buffered) | of_map.notna().to_numpy(dtype=bool)
    place = sites[known][near]
    for one in sites[known][~near].itertuples(index=False):
        if not str(one.row_id).startswith("osm:"):
            context.quality.add("facility_far", source=str(one.source), row=str(one.source_row), id=str(one.row_id),
                                name=str(one.name)[:60])  # fmt: skip
    frame = place.assign(
        facility_id=place["row_id"],
        capacity_from=[_capacity_from(value, source) for value, source in
                       zip(place["capacity_places"], place["capacity_places_from"], strict=True)],
        inside=inside[near], geometry=to_degrees(metric[near], area.metric_epsg),
        source_row=place["source_row"].astype(str), located_by=place["located_by"],
    )  # fmt: skip
    lost = sites[~known].assign(
        asked=sites["asked"][~known].eq(True),
        facility_id=sites["row_id"][~known],
        source_row=sites["source_row"][~known].astype(str),
    )
    waiting = lost.assign(inside=True, geometry=None, located_by=None, capacity_from=None, to_verify=True)
    return Lists(
        frame.reindex(columns=_columns("facilities")), _grounds(grounds, merges, sites),
        lost.reindex(columns=_columns("unlocated")), merges,
        waiting.reindex(columns=[*_columns("facilities"), "zone", "to_verify", "asked"]),
    )  # fmt: skip


def _columns(table: str) -> list[str]:
    return [column.name for column in TABLES[table].columns]


def _capacity_from(value: float, source: Any) -> str | None:
    if np.isnan(value):
        return None
    return "tag" if str(source).endswith((".pbf", ".osm", ".xml", ".gz", ".bz2", ".opl")) else "file"


def _grounds(grounds: pd.DataFrame, merges: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Grounds under the ids of the sites that their map objects went into; two of one site become one."""
    kept = dict(zip(merges["merged_row_id"], merges["kept_row_id"], strict=True))
    site_of = dict(zip(sites["row_id"], sites["site_id"], strict=True))
    went = site_of | {row: site_of[one] for row, one in kept.items()}
    frame = grounds.assign(site_id=[went.get(one, one) for one in grounds["site_id"]])
    frame = frame[frame["site_id"].isin(set(sites["site_id"]))].sort_values("site_id", kind="stable")
    if frame["site_id"].is_unique:
        return frame
    shapes, area_ha = frame["geometry"].to_numpy(dtype=object), frame["area_ha"].to_numpy(dtype=float)
    merged = []
    for site, rows in frame.groupby("site_id", sort=True).indices.items():
        shape = shapely.union_all(shapes[rows])
        merged.append(
            (
                site,
                np.nansum(area_ha[rows]),
                shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape]),
            )
        )
    return pd.DataFrame(merged, columns=["site_id", "area_ha", "geometry"])
