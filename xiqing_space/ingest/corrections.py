"""Puts corrections into the facilities, and says of each what it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import COORDINATE_DIGITS, GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.ingest.survey import SurveyAnswers

APPLIED_COLUMNS = ("owner_id", "field", "before", "after", "source", "doubt_id", "applied", "reason_zh", "reason_en")
GATE_COLUMNS = ("gate_id", "owner_id", "owner_type", "status", "geometry")
GATE_SNAP_M = 30.0  # a surveyed gate lies this near to its owner's outline, as in a file of gates
AS_WGS84 = ("WGS-84", "CGCS2000")  # the two agree to less than a metre
ToWgs84 = Callable[[str, float, float], tuple[float, float]]
_REASONS = {
    "": ("", ""),
    "no_facility": ("设施已不在数据中", "the facility is no longer in the data"),
    "half_place": ("只有经度或只有纬度", "only one of longitude and latitude"),
    "datum": ("坐标系无法转换", "the datum cannot be transformed"),
    "kind_there": ("该处已有此类设施", "the site already has that kind"),
    "gate_far": (
        f"大门距小区边界超过 {GATE_SNAP_M:g} m",
        f"the gate lies more than {GATE_SNAP_M:g} m from the compound's outline",
    ),
}


def apply_corrections(
    facilities: pd.DataFrame,
    corrections: pd.DataFrame,
    *,
    to_wgs84: ToWgs84 | None = None,
    located_by: str = "survey",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The facilities as corrected, and what became of each correction.

    Only the corrected fields change, with two that say where they come from: `capacity_from` (survey), and for a position `located_by`
    and `datum_in`. Whether the new position is inside the area, its ground and its gates are the caller's to find anew.

    Parameters
    ----------
    facilities : DataFrame
        The `facilities` table; it is not changed.
    corrections : DataFrame
        Of `read_survey`: owner_id, field, value, datum, source, doubt_id.
    to_wgs84 : callable, optional
        `(datum, lon, lat) -> (lon, lat)` for other datums than WGS-84 and CGCS2000; without it such positions are not applied.
    located_by : str
        What a corrected position is said to rest on.

    Returns
    -------
    DataFrame
        Facilities, rows in the order they had. A school that has several levels gets a row for each further one, at the end, without
        places: they stay with the first, so that none counts twice.
    DataFrame
        `APPLIED_COLUMNS`, by facility and field; what was not applied has a reason.
    """
    changed = facilities.reset_index(drop=True).copy()
    at = {identity: number for number, identity in enumerate(changed["facility_id"])}
    done: list[tuple[Any, ...]] = []
    added: list[tuple[int, str]] = []
    ordered = corrections.sort_values(["owner_id", "field", "source", "doubt_id"], kind="stable")
    for owner, group in ordered.groupby("owner_id", sort=True):
        row = at.get(owner)
        if row is None:
            done += [_noted(one, "", "", "no_facility") for one in group.itertuples(index=False)]
            continue
        places = group[group["field"].isin(["lon", "lat"])]
        for one in group[~group["field"].isin(["lon", "lat"])].itertuples(index=False):
            done.append(_set(changed, row, one, added))
        done += _move(changed, row, places, to_wgs84, located_by)
    if added:
        changed = pd.concat([changed, _further_kinds(changed, added)], ignore_index=True)
    applied = pd.DataFrame(done, columns=list(APPLIED_COLUMNS))
    return changed, applied.sort_values(["owner_id", "field", "source"], kind="stable", ignore_index=True)


def _noted(one: Any, before: str, after: str, reason: str) -> tuple[Any, ...]:
    return (one.owner_id, one.field, before, after, one.source, one.doubt_id, not reason, *_REASONS[reason])


def _shown(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def _further_kinds(frame: pd.DataFrame, added: list[tuple[int, str]]) -> pd.DataFrame:
    """Rows for the further kinds of a site, without places and children: those stay with the first kind."""
    twins = frame.iloc[[row for row, _ in added]].copy()
    kinds = [kind for _, kind in added]
    twins["facility_id"] = [f"{site}#{kind}" for site, kind in zip(twins["site_id"], kinds, strict=True)]
    twins["kind"] = kinds
    for column in ("capacity_places", "classes", "enrolled"):
        twins[column] = np.nan
    twins["capacity_from"] = None
    return twins.astype({"capacity_from": frame["capacity_from"].dtype})


def _set(frame: pd.DataFrame, row: int, one: Any, added: list[tuple[int, str]]) -> tuple[Any, ...]:
    """Put one value into a row."""
    before = _shown(frame.loc[row, one.field])
    if one.field == "capacity_places":
        frame.loc[row, "capacity_places"] = float(one.value)
        frame.loc[row, "capacity_from"] = "survey"
    elif one.field == "kind":
        kinds = one.value.split("|")
        mates = frame[(frame["site_id"] == frame.loc[row, "site_id"]) & (frame.index != row)]
        if set(kinds) & set(mates["kind"]):
            return _noted(one, before, before, "kind_there")
        frame.loc[row, "kind"] = kinds[0]
        added += [(row, kind) for kind in kinds[1:]]
    else:
        frame.loc[row, one.field] = one.value
    return _noted(one, before, one.value, "")


def _move(
    frame: pd.DataFrame, row: int, places: pd.DataFrame, to_wgs84: ToWgs84 | None, located_by: str
) -> list[tuple[Any, ...]]:
    """Put a position into a row; longitude and latitude count together or not at all."""
    if places.empty:
        return []
    point = frame.loc[row, "geometry"]
    known = isinstance(point, shapely.Point) and not point.is_empty
    before = {"lon": f"{point.x:.7f}" if known else "", "lat": f"{point.y:.7f}" if known else ""}
    values = {one.field: float(one.value) for one in places.itertuples(index=False)}
    datum = places["datum"].iloc[0]
    reason = "" if len(values) == 2 else "half_place"
    if not reason and datum not in AS_WGS84:
        if to_wgs84 is None:
            reason = "datum"
        else:
            values["lon"], values["lat"] = to_wgs84(datum, values["lon"], values["lat"])
    if reason:
        return [_noted(one, before[one.field], before[one.field], reason) for one in places.itertuples(index=False)]
    values = {key: round(value, COORDINATE_DIGITS) for key, value in values.items()}
    frame.loc[row, "geometry"] = shapely.Point(values["lon"], values["lat"])
    frame.loc[row, "located_by"], frame.loc[row, "datum_in"] = located_by, datum
    return [_noted(one, before[one.field], f"{values[one.field]:.7f}", "") for one in places.itertuples(index=False)]


def place_gates(
    gates: pd.DataFrame, compounds: pd.DataFrame, metric_epsg: int, *, to_wgs84: ToWgs84 | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gates that departments gave, on their compounds' outlines, and what became of each.

    A compound has the gates that were given for it and no others: a department that names one of three leaves two out.

    Parameters
    ----------
    gates : DataFrame
        Of `read_survey`: owner_id, lon, lat (degrees of `datum`), source, doubt_id.
    compounds : DataFrame
        compound_id, geometry (EPSG:4326).

    Returns
    -------
    DataFrame
        As the `surveyed_gates` table; who may pass is not known, so residents are taken to.
    DataFrame
        `APPLIED_COLUMNS`, field `gate`; what was not applied has a reason.
    """
    outlines = dict(zip(compounds["compound_id"], compounds["geometry"], strict=True))
    rows, done = [], []
    for number, one in enumerate(gates.itertuples(index=False), 1):
        lon, lat, reason = float(one.lon), float(one.lat), ""
        if one.datum not in AS_WGS84:
            if to_wgs84 is None:
                reason = "datum"
            else:
                lon, lat = to_wgs84(one.datum, lon, lat)
        if not reason:
            pair = np.asarray([shapely.Point(lon, lat), outlines[one.owner_id]], dtype=object)
            place, shape = project_geometry(pair, GEOGRAPHIC, metric_epsg)
            ring = shapely.boundary(shape)
            if float(shapely.distance(place, ring)) > GATE_SNAP_M:
                reason = "gate_far"
            else:
                on_ring = shapely.line_interpolate_point(ring, shapely.line_locate_point(ring, place))
                point = to_degrees(np.asarray([on_ring], dtype=object), metric_epsg)[0]
                rows.append((f"survey:{one.doubt_id}:{number}", one.owner_id, "compound", "unknown", point))
        after = "" if reason else f"{lon:.7f}, {lat:.7f}"
        done.append((one.owner_id, "gate", "", after, one.source, one.doubt_id, not reason, *_REASONS[reason]))
    return pd.DataFrame(rows, columns=list(GATE_COLUMNS)), pd.DataFrame(done, columns=list(APPLIED_COLUMNS))


def closed_doubts(survey: SurveyAnswers, asked: pd.DataFrame, applied: pd.DataFrame, rules: Any) -> set[str]:
    """Ids of doubts that need not be asked again: answered in a way that closes them, or with every value that was asked for.

    不清楚 closes nothing; nor does 有误 without the right value. Where a doubt asks for no certain field, 有误 with any value closes it.
    """
    given: dict[str, set[str]] = {}
    for one in applied[applied["applied"].astype(bool)].itertuples(index=False):
        given.setdefault(one.doubt_id, set()).add("place" if one.field in ("lon", "lat", "gate") else one.field)
    rows = {one.doubt_id: one for one in asked.itertuples(index=False)}
    closed = set()
    for one in survey.answers.itertuples(index=False):
        row, ask = rows[one.doubt_id], rules.ask(one.check)
        wanted = set(row.fields.split("|")) if row.fields else set()
        by_word = ask is not None and (
            (one.answer == "confirmed" and ask.confirm == "settles")
            or (one.answer == "wrong" and ask.deny == "settles")
        )
        mended = one.answer == "wrong" and not wanted and bool(given.get(one.doubt_id))
        if by_word or mended or (wanted and wanted <= given.get(one.doubt_id, set())):
            closed.add(one.doubt_id)
    return closed
