"""Which school each child goes to: by the office's table, by 学区, else the nearest on foot (就近假设，非招生依据)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.safety.way_values import RouteSettings

COLUMNS = ("home", "school", "kind", "assigned_by", "hint_m", "reason")
UNITS = ("compound", "community", "zone")  # the narrower first
# why nobody is nearest, as `access` has it; of several the first here
_WHY = {
    "home_not_placed": "home_not_placed", "home_not_linked": "home_not_linked", "beyond_search_limit": "beyond_route_limit",
    "unreachable": "unreachable", "facility_not_linked": "school_not_linked", "no_facility_mapped": "no_school",
}  # fmt: skip


@dataclass(frozen=True)
class AssignmentTables:
    """What assignment is read from; tables of the run, EPSG:4326."""

    demand: pd.DataFrame
    facilities: pd.DataFrame
    zones: pd.DataFrame
    access: pd.DataFrame
    school_areas: pd.DataFrame
    school_assignments: pd.DataFrame


@dataclass(frozen=True)
class Assigned:
    """Homes and the schools that may serve them.

    Attributes
    ----------
    site_id : object (schools,)
        Sorted sites of all schools that may have pupils here.
    rows : DataFrame
        `home` (row of demand), `school` (row of `site_id`; -1 where there is none, with a `reason`), `kind`, `assigned_by`,
        `hint_m` (about how far). Several schools for one home and kind: the nearest of them counts.
    overlaps : DataFrame
        `kind, schools, homes, first`: homes of several 学区 or rows, by the schools they name.
    closed : tuple of str
        Schools that the table or a 学区 names, but that nobody can go to (closed, planned); their homes go to the nearest.
    """

    site_id: NDArray[np.object_]
    rows: pd.DataFrame
    overlaps: pd.DataFrame
    closed: tuple[str, ...]


def assign_schools(tables: AssignmentTables, settings: RouteSettings) -> Assigned:
    """The schools of every home, for each kind of school.

    A row of the table for the home's compound counts before one for its community, and that before one for its zone; the
    table counts before a 学区 polygon, for a name leaves no doubt about a line; where both are silent the nearest school on foot
    counts. A planner may not read the nearest school as the one that must admit a child.

    Parameters
    ----------
    tables : AssignmentTables
    settings : RouteSettings
        `kinds`; `unknown_level`: whether a school whose level nobody states may be the nearest of each level.
    """
    usable = tables.facilities[open_to_everyone(tables.facilities)]
    sites = {kind: _sites_of(usable, kind) for kind in (*settings.kinds, UNKNOWN_LEVEL)}
    pooled = settings.unknown_level or UNKNOWN_LEVEL in settings.kinds
    kinds = [kind for kind in settings.kinds if kind != UNKNOWN_LEVEL]
    open_sites = frozenset(usable["site_id"])
    inside = _in_areas(tables)
    parts, overlaps = [], []
    for kind in kinds:
        maybe = sites[UNKNOWN_LEVEL] if kind in LEVELS else frozenset()
        told = _told(tables, inside, kind, sites[kind] | maybe, open_sites)
        overlaps += _overlaps(told, kind, tables.demand)
        rest = np.ones(len(tables.demand), dtype=bool)
        rest[told["home"].to_numpy(dtype=np.int64)] = False
        near = _nearest(tables, usable, kind, pooled and kind in LEVELS, np.flatnonzero(rest))
        parts.append(pd.concat([told, near], ignore_index=True).assign(kind=kind))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*COLUMNS, "site_id"])
    listed = {one for kind in kinds for one in sites[kind]} | (sites[UNKNOWN_LEVEL] if pooled else frozenset())
    names = np.array(sorted(listed | set(rows["site_id"].dropna())), dtype=object)
    rows["school"] = pd.Index(names).get_indexer(pd.Index(rows["site_id"]))
    named = {
        one
        for frame in (tables.school_areas, tables.school_assignments)
        for one in frame["school_id"].dropna().tolist()
    }
    return Assigned(
        names, rows[list(COLUMNS)], pd.DataFrame(overlaps, columns=["kind", "schools", "homes", "first"]),
        tuple(sorted(named - open_sites)),
    )  # fmt: skip


def children_of(demand: pd.DataFrame, kind: str, catalogue: Catalogue) -> NDArray[np.float64]:
    """Children of a kind's target bands in each home, or their relative weight."""
    total = np.zeros(len(demand))
    for band in catalogue.target_bands(kind):
        total += demand[band.column].to_numpy(dtype=float)
    return total


def walking_shares(school_shares: pd.DataFrame, site_id: NDArray[np.object_]) -> NDArray[np.float64]:
    """Share of each school's pupils who walk from their home here: without boarders and those of other districts, as stated.

    What nobody states is none, never a guess.
    """
    walking = np.ones(len(site_id))
    rows = pd.Index(site_id).get_indexer(pd.Index(school_shares["school_id"]))
    for name in ("boarders_share", "cross_district_share"):
        gone = np.nan_to_num(school_shares[name].to_numpy(dtype=float))
        walking[rows[rows >= 0]] -= gone[rows >= 0]
    return np.maximum(walking, 0.0)


def _sites_of(facilities: pd.DataFrame, kind: str) -> frozenset[str]:
    return frozenset(facilities.loc[facilities["kind"] == kind, "site_id"])


def _in_areas(tables: AssignmentTables) -> pd.DataFrame:
    """Pairs of home and 学区 that contains it; homes whose place is not known lie in none."""
    areas = tables.school_areas
    if areas.empty:
        return pd.DataFrame({"home": [], "school_id": [], "kind": []})
    placed = np.flatnonzero(tables.demand["placed"].to_numpy(dtype=bool))
    points = tables.demand["geometry"].to_numpy(dtype=object)[placed]
    tree = shapely.STRtree(areas["geometry"].to_numpy(dtype=object))
    at, area = tree.query(points, predicate="intersects")
    return pd.DataFrame(
        {"home": placed[at], **{name: areas[name].to_numpy(dtype=object)[area] for name in ("school_id", "kind")}}
    )


def _told(
    tables: AssignmentTables, inside: pd.DataFrame, kind: str, sites: frozenset[str], open_sites: frozenset[str]
) -> pd.DataFrame:
    """Homes whose school of a kind the table or a 学区 names: `home, site_id, assigned_by, hint_m, reason`."""

    def usable(rows: pd.DataFrame) -> pd.DataFrame:
        school = rows["school_id"]
        own = rows["kind"].isna() & school.isin(sites)
        return rows[((rows["kind"] == kind) | own) & school.isin(open_sites)]

    table = usable(tables.school_assignments)
    table = table[table["unit_id"].notna()]
    taken = np.zeros(len(tables.demand), dtype=bool)
    parts = []
    for unit in UNITS:
        rows = table[table["unit"] == unit]
        for place in _places(tables, unit) if len(rows) else []:
            found = pd.DataFrame({"home": np.arange(len(place)), "unit_id": place})[~taken].merge(
                rows[["unit_id", "school_id"]], on="unit_id"
            )
            taken[found["home"].to_numpy(dtype=np.int64)] = True
            parts.append(found.assign(assigned_by="table"))
    areas = usable(inside)
    parts.append(areas[~taken[areas["home"].to_numpy(dtype=np.int64)]].assign(assigned_by="district"))
    found = pd.concat(parts, ignore_index=True).rename(columns={"school_id": "site_id"})
    found = found[["home", "site_id", "assigned_by"]].drop_duplicates(["home", "site_id"])
    return found.sort_values(["home", "site_id"], ignore_index=True).assign(hint_m=np.nan, reason=None)


def _places(tables: AssignmentTables, unit: str) -> list[NDArray[np.object_]]:
    """What each home's unit is called, narrower ones first: its compound; or its zone, the zone above that, and so on."""
    if unit == "compound":
        return [tables.demand["compound_id"].to_numpy(dtype=object)]
    zones = tables.zones
    above = dict(zip(zones["zone_id"], zones["parent_id"], strict=True))
    names = dict(zip(zones["zone_id"], zones["name"], strict=True))
    chain, here = [], tables.demand["zone_id"].to_numpy(dtype=object)
    for _ in range(len(zones)):
        if not pd.notna(here).any():
            break
        chain.append(here if unit == "zone" else _looked_up(here, names))
        here = _looked_up(here, above)
    return chain


def _looked_up(keys: NDArray[np.object_], values: Mapping[str, str]) -> NDArray[np.object_]:
    found: NDArray[np.object_] = pd.Series(keys, dtype=object).map(values).to_numpy(dtype=object)
    return found


def _overlaps(told: pd.DataFrame, kind: str, demand: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    """Homes with several schools of one kind, by the schools."""
    several = told[told.duplicated("home", keep=False)]
    if several.empty:
        return []
    schools = several.groupby("home", sort=True)["site_id"].agg("|".join)
    ids = demand["demand_id"].to_numpy(dtype=object)
    return [
        (kind, str(names), len(homes), ", ".join(str(one) for one in ids[homes.index.to_numpy(dtype=np.int64)[:5]]))
        for names, homes in schools.groupby(schools, sort=True)
    ]


def _nearest(
    tables: AssignmentTables, usable: pd.DataFrame, kind: str, pooled: bool, homes: NDArray[np.int64]
) -> pd.DataFrame:
    """The nearest school on foot of some homes, as the `access` table has it."""
    site_of = dict(zip(usable["facility_id"], usable["site_id"], strict=True))
    found = [_access_of(tables, one, homes) for one in ((kind, UNKNOWN_LEVEL) if pooled else (kind,))]
    distance = np.stack([one["distance_m"].to_numpy(dtype=float) for one in found])
    best = np.argmin(np.where(np.isnan(distance), np.inf, distance), axis=0)
    at = np.arange(len(homes))
    facility = np.stack([one["facility_id"].to_numpy(dtype=object) for one in found])[best, at]
    rank = {reason: number for number, reason in enumerate(_WHY)}
    why = np.stack([one["reason"].map(rank).to_numpy(dtype=float) for one in found])
    why = np.where(np.isnan(why), len(_WHY) - 1, why).min(axis=0).astype(np.int64)
    none = np.isnan(distance[best, at])
    reasons = np.array(list(_WHY.values()), dtype=object)[why]
    return pd.DataFrame(
        {
            "home": homes, "site_id": _looked_up(facility, site_of),
            "assigned_by": pd.Series("nearest", index=at, dtype=object).where(~none, None),
            "hint_m": distance[best, at], "reason": pd.Series(reasons, index=at).where(none, None),
        }
    )  # fmt: skip


def _access_of(tables: AssignmentTables, kind: str, homes: NDArray[np.int64]) -> pd.DataFrame:
    """Rows of `access` of some homes on the walking network; empty ones where it has none."""
    access = tables.access
    mine = access[((access["kind"] == kind) & (access["profile"] == "walk")).to_numpy()]
    ids = tables.demand["demand_id"].to_numpy(dtype=object)[homes]
    return mine.set_index("demand_id")[["facility_id", "distance_m", "reason"]].reindex(ids).reset_index(drop=True)
