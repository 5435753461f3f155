"""Part of stage ingest: what departments returned, put into facilities, grounds and gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog.checkup import load_checkup
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.datums import parse_datum, to_wgs84
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.doubts import with_doubt_ids
from xiqing_space.ingest.quality import COLUMNS, Quality
from xiqing_space.ingest.survey_step import SurveyOutcome, take_survey
from xiqing_space.schemas import TABLES
from xiqing_space.stages.context import Context
from xiqing_space.stages.read_lists import Lists

MARGIN_DEGREES = 0.5  # a position that a department gives may lie so far outside: its datum is not applied yet
GROUND_M = (
    30.0  # a site whose surveyed point lies farther from its ground than this has moved, and the ground is not its own
)


@dataclass(frozen=True)
class Corrected:
    """Facilities, grounds and gates with what departments returned, and the ids of doubts that their answers closed."""

    lists: Lists
    gates: pd.DataFrame
    closed: frozenset[str]


def as_wgs84(datum: str, lon: float, lat: float) -> tuple[float, float]:
    """A position of a returned sheet in WGS-84 degrees."""
    x, y = to_wgs84(parse_datum(datum), [lon], [lat])
    return float(x[0]), float(y[0])


def bounds_of(area: Any) -> tuple[float, float, float, float]:
    """Degrees in which every position of a returned sheet must lie."""
    west, south, east, north = area.bounds
    return west - MARGIN_DEGREES, south - MARGIN_DEGREES, east + MARGIN_DEGREES, north + MARGIN_DEGREES


def take_returned(
    context: Context, lists: Lists, raised: Sequence[dict[str, str]], gates: pd.DataFrame, compounds: pd.DataFrame,
    zones: pd.DataFrame, area: Area,
) -> Corrected:  # fmt: skip
    """What the returned sheets of the configuration correct.

    A department's value stands before every list's; where a list said otherwise a doubt (`survey_differs`) says so.

    Parameters
    ----------
    lists : Lists
        As the lists and the map have them.
    raised : sequence of dict
        Every doubt about the data as they came: ids of doubts are theirs, whatever was returned before.
    gates : DataFrame
        `surveyed_gates` of the office's own file.
    """
    original = all_facilities(lists)
    context.before_survey.update(facilities=original, rows=list(raised))
    sheets = tuple(dict.fromkeys(context.config.survey.sheets))
    done = take_survey(
        Quality(list(raised)), original, zones, context.catalogue, load_checkup(), sheets, bounds=bounds_of(area.polygon),
        to_wgs84=as_wgs84, compounds=compounds, metric_epsg=area.metric_epsg,
    )  # fmt: skip
    _note(context, done, original)
    corrected = _with_campus(done, original)
    more = done.gates if len(done.gates) else None
    return Corrected(
        _settled(context, lists, corrected, area),
        gates if more is None else pd.concat([one for one in (gates, more) if len(one)], ignore_index=True),
        done.closed,
    )


def all_facilities(lists: Lists) -> pd.DataFrame:
    """Facilities, and after them the rows whose place is to be verified, marked `to_verify`, with all that their list states."""
    import geopandas as gpd

    given = gpd.GeoDataFrame(lists.facilities).assign(zone="", to_verify=False, asked=False)
    if lists.waiting.empty:
        return given
    lost = gpd.GeoDataFrame(lists.waiting.reindex(columns=given.columns), geometry="geometry", crs=given.crs)
    return pd.concat([given, lost], ignore_index=True)


def drop_closed(quality: Quality, closed: frozenset[str]) -> None:
    """Take the doubts that answers closed out of the collector."""
    if closed:
        frame = with_doubt_ids(quality.frame())
        quality.rows[:] = frame.loc[~frame["doubt_id"].isin(closed), list(COLUMNS)].to_dict("records")


def _with_campus(done: SurveyOutcome, original: pd.DataFrame) -> pd.DataFrame:
    """The corrected facilities, the other kinds of a site that stood at the same point moved with it."""
    frame = done.facilities.copy()
    was = dict(zip(original["facility_id"], original["geometry"], strict=True))
    moved = set(done.applied.loc[done.applied["applied"].astype(bool) & (done.applied["field"] == "lon"), "owner_id"])
    at = {identity: row for row, identity in enumerate(frame["facility_id"])}
    for one in sorted(moved & set(at)):
        point, site = was.get(one), frame.loc[at[one], "site_id"]
        for row in frame.index[(frame["site_id"] == site).to_numpy(dtype=bool)]:
            other = frame.loc[row, "facility_id"]
            if other not in moved and other in was and _same_point(was[other], point):
                for column in ("geometry", "located_by", "datum_in"):
                    frame.loc[row, column] = frame.loc[at[one], column]
    return frame


def _same_point(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is None and other is None
    return bool(shapely.equals(one, other))


def _settled(context: Context, lists: Lists, frame: pd.DataFrame, area: Area) -> Lists:
    """The tables of corrected facilities: those that got a place are placed, those that left the buffer are told."""
    points = frame["geometry"].to_numpy(dtype=object)
    known = ~(shapely.is_missing(points) | shapely.is_empty(points))
    moved = (frame["located_by"] == "survey").to_numpy(dtype=bool) & known
    metric = project_geometry(points[moved], GEOGRAPHIC, area.metric_epsg)
    inside = frame["inside"].to_numpy(dtype=object).copy()
    inside[moved] = shapely.intersects(metric, area.metric)
    gone = np.zeros(len(frame), dtype=bool)
    gone[moved] = ~shapely.intersects(metric, area.buffered)
    for one in frame[gone].itertuples(index=False):
        context.quality.add("facility_far", source=str(one.source), row=str(one.source_row), id=str(one.facility_id),
                            name=str(one.name)[:60])  # fmt: skip
    frame = frame.assign(inside=inside, capacity_from=_capacity_from(frame))
    there = frame[known & ~gone].assign(inside=lambda one: one["inside"].astype(bool))
    lost = frame[~known]
    return replace(
        lists,
        facilities=there[[column.name for column in TABLES["facilities"].columns]],
        unlocated=lost[[column.name for column in TABLES["unlocated"].columns]].assign(asked=lost["asked"].eq(True)),
        grounds=_own_grounds(lists.grounds, there, area),
        waiting=lost,
    )


def _capacity_from(frame: pd.DataFrame) -> list[str | None]:
    """Where places come from; those of a row that only now got its place come from its list."""
    return [
        None if pd.isna(places) else told if isinstance(told, str) else "file"
        for places, told in zip(frame["capacity_places"], frame["capacity_from"], strict=True)
    ]


def _own_grounds(grounds: pd.DataFrame, facilities: pd.DataFrame, area: Area) -> pd.DataFrame:
    """Grounds without those that a site has left."""
    moved = facilities[facilities["located_by"] == "survey"].drop_duplicates("site_id")
    mine = grounds.merge(moved[["site_id", "geometry"]], on="site_id", suffixes=("", "_point"))
    if mine.empty:
        return grounds
    shapes, points = (
        project_geometry(mine[name].to_numpy(dtype=object), GEOGRAPHIC, area.metric_epsg) for name in ("geometry", "geometry_point")
    )  # fmt: skip
    left = set(mine["site_id"][shapely.distance(shapes, points) > GROUND_M])
    return grounds[~grounds["site_id"].isin(left)]


def _note(context: Context, done: SurveyOutcome, original: pd.DataFrame) -> None:
    """How many rows each sheet answers, which values contradict the lists, and what could not be taken."""
    quality, catalogue = context.quality, context.catalogue
    quality.rows += [one for one in done.doubts.to_dict("records") if one["check"] == "survey_not_applied"]
    taken = done.applied[done.applied["applied"].astype(bool)]
    files = done.survey.answers["source"].str.partition("[")[0]
    for at, path in enumerate(context.config.survey.sheets, 1):
        context.rows_read[f"survey.sheets-{at}"] = int((files == path.name).sum())
    rows = {one.facility_id: one for one in original.itertuples(index=False)}
    changed = taken[(taken["before"] != "") & (taken["before"] != "unknown") & (taken["before"] != taken["after"])]
    changed = changed[~changed["field"].isin(["lat", "gate"])].drop_duplicates(["owner_id", "field"])
    for one in changed.itertuples(index=False):
        row = rows[one.owner_id]
        if one.field == "kind" and one.before == "school_unknown_level":
            continue
        name = str(row.name) if isinstance(row.name, str) else one.owner_id
        field = "place" if one.field == "lon" else one.field
        now, was = (_shown(one.field, value, catalogue) for value in (one.after, one.before))
        quality.add("survey_differs", source=str(row.source), row=str(row.source_row), id=one.owner_id, name=name[:60],
                    field=catalogue.word(f"checkup_field_{field}"), now=now, was=was, sheet=one.source)  # fmt: skip


def _shown(field: str, value: str, catalogue: Any) -> tuple[str, str]:
    """A value in words of both languages."""
    if field == "kind":
        kinds = [catalogue.kinds[one] for one in value.split("|")]
        return "、".join(kind.zh for kind in kinds), ", ".join(kind.en for kind in kinds)
    if field == "operator":
        return catalogue.word(f"checkup_operator_{value}")  # type: ignore[no-any-return]
    if field == "status":
        return catalogue.word(value)  # type: ignore[no-any-return]
    if field == "lon":
        return "另一位置", "another place"
    return value, value
