"""Rows of the ways to school: pupils with an acceptable route, scores, arterials without signals, high-risk metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.indicators.circle_rows import weak_zones
from xiqing_space.indicators.rows import Row, Writer
from xiqing_space.indicators.rules import one_number
from xiqing_space.indicators.tables import Tables

# where home or school lies is not known, or nobody mapped a school of the kind: neither acceptable nor not
UNKNOWN = ("home_not_placed", "home_not_linked", "school_not_linked", "no_school")
_UNSIGNALISED = ("none", "marked")
_TENTH = 0.9  # of the pupils who reach A13-p10, as in the schools table
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Ways:
    """Routes of the area's pupils of some kinds, a row each: home (row of demand), pupils, what their routes are like."""

    home: NDArray[np.int64]
    children: Floats
    routed: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    no_school: NDArray[np.bool_]
    acceptable: NDArray[np.bool_]
    arterial: NDArray[np.bool_]
    unsure: NDArray[np.bool_]
    score: Floats
    high_m: Floats

    def of(self, mine: NDArray[np.bool_]) -> _Ways:
        """Some of them."""
        return _Ways(*(getattr(self, name)[mine] for name in self.__dataclass_fields__))


def route_rows(tables: Tables, writer: Writer) -> list[Row]:
    """Figures of all pupils together and of each kind of school, for the district and every zone of the pupils' homes.

    Pupils without a route because home or school cannot be placed are unknown, and stay in the denominator of shares; those
    without one because the way is too long or there is none count as not acceptable. A mean is over routed pupils, and has no
    range: the table of routes holds one score each.
    """
    routes = tables.routes
    if routes.empty:
        return []
    routes = routes[routes["inside"].to_numpy(dtype=bool)]
    ways, kinds = _read(routes, tables), routes["kind"].to_numpy(dtype=object)
    nearest = (routes["assigned_by"] == "nearest").to_numpy(dtype=bool)
    rows: list[Row] = []
    for kind in ("", *sorted(set(kinds))):
        mine = np.ones(len(kinds), dtype=bool) if not kind else kinds == kind
        waiting = any(tables.n_unlocated(str(one)) > 0 for one in set(kinds[mine & nearest]))
        rows += _of_kind(ways.of(mine), kind, tables, writer, waiting)
    return rows + _weak_rows(ways, tables, writer)


def _read(routes: pd.DataFrame, tables: Tables) -> _Ways:
    why = routes["reason"]
    routed = why.isna().to_numpy(dtype=bool)
    arterial = _unsignalised_arterials(tables.crossings)

    def flags(values: pd.Series) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = values.to_numpy(dtype=bool) & routed
        return found

    def number(column: str) -> Floats:
        found: Floats = np.nan_to_num(routes[column].to_numpy(dtype=float))
        return found

    return _Ways(
        home=pd.Index(tables.demand["demand_id"]).get_indexer(pd.Index(routes["demand_id"])).astype(np.int64),
        children=routes["children"].to_numpy(dtype=float), routed=routed,
        unknown=why.isin(UNKNOWN).to_numpy(dtype=bool), no_school=(why == "no_school").to_numpy(dtype=bool),
        acceptable=flags(routes["acceptable"]), arterial=flags(routes["worst_crossing_id"].isin(arterial)),
        unsure=flags(routes["reliability"] == "low"), score=number("route_score"), high_m=number("m_high") + number("m_very_high"),
    )  # fmt: skip


def _unsignalised_arterials(crossings: pd.DataFrame) -> set[str]:
    if crossings.empty:
        return set()
    return set(crossings.loc[crossings["arterial"] & crossings["control"].isin(_UNSIGNALISED), "crossing_id"])


def _sums(ways: _Ways, tables: Tables, values: NDArray[np.float64] | NDArray[np.bool_]) -> Floats:
    """Pupils × something, for every group."""
    each = np.bincount(ways.home, weights=ways.children * values, minlength=len(tables.demand)).astype(np.float64)
    return tables.groups.sums(each)


def _of_kind(ways: _Ways, kind: str, tables: Tables, writer: Writer, waiting: bool) -> list[Row]:
    everyone, routed = (_sums(ways, tables, one) for one in (np.ones(len(ways.home)), ways.routed))
    lost, no_school = (_sums(ways, tables, one) for one in (ways.unknown, ways.no_school))
    shares = [
        ("A13-acceptable", _sums(ways, tables, ways.acceptable)), ("A13-arterial", _sums(ways, tables, ways.arterial)),
        ("A13-unsure", _sums(ways, tables, ways.unsure)),
    ]  # fmt: skip
    below = np.where(routed > 0, routed, np.nan)
    levels = [
        ("A13-score", _sums(ways, tables, ways.score * ways.routed) / below), ("A13-p10", _reached(ways, tables)),
        ("A13-high", _sums(ways, tables, ways.high_m * ways.routed) / below),
    ]  # fmt: skip
    rows = []
    for place, zone in enumerate(tables.groups.ids):
        apart = {"denominator": float(everyone[place]), "n_unknown": float(lost[place])}
        nobody = not everyone[place] > lost[place]
        why = "schools_unlocated" if waiting else None
        for name, met in shares:
            numbers = dict(apart)
            if not nobody:
                numbers |= _share(float(met[place]), apart, waiting)
            reason = (
                _why_nobody(apart, float(no_school[place])) if nobody else None if routed[place] > 0 else "no_routes"
            )
            rows.append(writer.row(writer.catalogue.indicators[name], zone, numbers, kind=kind, reason=reason or why))
        for name, level in levels:
            value = float(level[place])
            numbers = one_number(
                value, denominator=float(routed[place]), n_unknown=float(everyone[place] - routed[place])
            )
            numbers |= {"value_low": np.nan, "value_high": np.nan}
            rows.append(writer.row(writer.catalogue.indicators[name], zone, numbers, kind=kind,
                                   reason=why if routed[place] > 0 else "no_routes"))  # fmt: skip
    return rows


def _share(met: float, apart: dict[str, float], waiting: bool) -> dict[str, float]:
    """A share with its range; none where schools wait for a place: the nearest may be another one, better or worse to reach."""
    total, range_ = apart["denominator"], (met, met + apart["n_unknown"])
    low, high = (np.nan, np.nan) if waiting else (one / total for one in range_)
    return {"value": met / total, "value_low": low, "value_high": high, "numerator": met}


def _why_nobody(apart: dict[str, float], no_school: float) -> str:
    if apart["denominator"] == 0:
        return "no_children"
    return "no_facility_mapped" if no_school == apart["n_unknown"] else "homes_unknown"


def _reached(ways: _Ways, tables: Tables) -> Floats:
    """The highest score that nine tenths of the routed pupils reach, for every group; NaN where there are none."""
    groups = tables.groups
    of_home = pd.Index(tables.zones["zone_id"]).get_indexer(pd.Index(tables.demand["zone_id"]))
    counted = np.flatnonzero(ways.routed & (ways.children > 0))
    order = counted[np.argsort(-ways.score[counted], kind="stable")]
    zone, who, score = of_home[ways.home[order]], ways.children[order], ways.score[order]
    found = np.full(len(groups.ids), np.nan)
    for place in range(len(groups.ids)):
        mine = np.ones(len(zone), dtype=bool) if place == 0 else groups.zones_of(place)[zone] & (zone >= 0)
        if mine.any():
            so_far = np.cumsum(who[mine])
            found[place] = score[mine][np.searchsorted(so_far / so_far[-1], _TENTH - 1e-12, side="left")]
    return found


def _weak_rows(ways: _Ways, tables: Tables, writer: Writer) -> list[Row]:
    """Zones whose pupils' ways are relatively weak (相对薄弱) beside the others', and their number; none of one zone alone."""
    groups, spec = tables.groups, writer.catalogue.indicators["A13-weak"]
    if len(tables.zones) < 2:
        return []
    everyone, lost = (_sums(ways, tables, one) for one in (np.ones(len(ways.home)), ways.unknown))
    known = everyone > lost
    shares = np.where(known, _sums(ways, tables, ways.acceptable) / np.where(known, everyone, 1.0), np.nan)
    weak = weak_zones(shares[groups.zones], float(shares[0]))
    told = ~np.isnan(weak)
    why = None if told.any() else "too_few_zones"
    count = float(weak[told].sum()) if told.any() else np.nan
    whole = one_number(count, numerator=count, denominator=float(told.sum()), n_unknown=float((~told).sum()))
    rows = [writer.row(spec, "*", whole, weight_kind="count", reason=why)]
    for zone, one in zip(groups.ids[groups.first_zone :], weak, strict=True):
        reason = None if not np.isnan(one) else why or "homes_unknown"
        rows.append(writer.row(spec, zone, one_number(float(one)), weight_kind="count", reason=reason))
    return rows
