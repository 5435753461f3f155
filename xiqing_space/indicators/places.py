"""Facilities and communities with the zone that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.indicators.tables import Tables
from xiqing_space.ingest.membership import core_name, plain_name, settlement_of

_COLUMNS = ["kind", "name", "operator", "community", "capacity_places", "gp_doctors", "child_health_doctors"]


def _core(text: object) -> str:
    return core_name(plain_name(text)) if isinstance(text, str) else ""


@dataclass(frozen=True)
class Sites:
    """Facilities of the area that exist for everyone, those whose place is to be verified too.

    `frame`: kind, name, operator, community, places and doctors, `zone` (row of the zones table, -1 unknown), `sure`: False
    where it may be one of the others, which the workbook of questions asks.
    """

    frame: pd.DataFrame

    def of(self, kind: str) -> pd.DataFrame:
        """Those of one kind."""
        return self.frame[(self.frame["kind"] == kind).to_numpy(dtype=bool)]


def read_sites(tables: Tables) -> Sites:
    """Facilities with their zones: by place, and for those without one by the town that the list names."""
    zones = tables.zones
    located = tables.facilities[tables.is_open & tables.facilities["inside"].to_numpy(dtype=bool)]
    waiting = tables.unlocated[open_to_everyone(tables.unlocated)]
    there = located.reindex(columns=_COLUMNS).assign(zone=_zone_of_points(located, zones), sure=True)
    row_of = _zone_rows(zones)
    towns = [row_of.get(_core(one), -1) for one in waiting["zone"]] if "zone" in waiting else [-1] * len(waiting)
    waiting = waiting.reindex(columns=[*_COLUMNS, "asked"]).assign(zone=towns)
    waiting = waiting.assign(sure=~waiting["asked"].eq(True)).drop(columns="asked")
    parts = [one for one in (pd.DataFrame(there), pd.DataFrame(waiting)) if len(one)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(there)
    return Sites(frame.astype({"zone": np.int64, "sure": bool}))


def _zone_rows(zones: pd.DataFrame) -> dict[str, int]:
    """Row of each zone by the core of its name; names that two zones share tell nothing."""
    names = [_core(one) for one in zones["name"]]
    return {name: row for row, name in enumerate(names) if name and names.count(name) == 1}


def _zone_of_points(facilities: pd.DataFrame, zones: pd.DataFrame) -> NDArray[np.int64]:
    """Row of the zone that each point lies in, the first where several hold it; -1 outside all of them."""
    found = np.full(len(facilities), -1, dtype=np.int64)
    if "geometry" not in zones or not len(facilities) or not len(zones):
        return found
    points = facilities["geometry"].to_numpy(dtype=object)
    point, zone = shapely.STRtree(zones["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    order = np.lexsort((zone, point))[::-1]
    found[point[order]] = zone[order]
    return found


@dataclass(frozen=True)
class Communities:
    """Communities and villages: `frame` has name, settlement, `zone` (row of the zones table, -1 unknown)."""

    frame: pd.DataFrame
    are_zones: bool

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, name in enumerate(self.frame["name"]):
            rows.setdefault(_core(name), []).append(row)
        return rows

    def owner_of(self, sites: pd.DataFrame) -> NDArray[np.int64]:
        """Row of each site's community: as listed, else the one that its name begins with, else where it lies; -1 unknown."""
        lies = sites["zone"].to_numpy(dtype=np.int64) if self.are_zones else np.full(len(sites), -1, dtype=np.int64)
        zone = self.frame["zone"].to_numpy(dtype=np.int64)
        names = [
            (_core(listed), plain_name(name) if isinstance(name, str) else "")
            for listed, name in zip(sites["community"], sites["name"], strict=True)
        ]
        longest = sorted(self._rows, key=lambda one: (-len(one), one))
        found = []
        for (listed, name), town, place in zip(names, sites["zone"], lies, strict=True):
            begins = next((one for one in longest if len(one) > 1 and name.startswith(one)), "") if not listed else ""
            fits = self._rows.get(listed or begins, [])
            here = [row for row in fits if zone[row] in (town, -1) or town < 0]
            found.append(here[0] if len(here) == 1 else int(place))
        return np.array(found, dtype=np.int64).reshape(len(sites))


def read_communities(tables: Tables) -> Communities:
    """Those of the membership table; else the zones, where all their names are those of communities and villages."""
    zones, listed = tables.zones, tables.communities
    if len(listed):
        row_of = _zone_rows(zones)
        frame = listed[["name", "settlement"]].assign(zone=[row_of.get(_core(one), -1) for one in listed["town"]])
        return Communities(pd.DataFrame(frame), False)
    kinds = [settlement_of(str(one)) for one in zones["name"]]
    if not kinds or None in kinds:
        return Communities(pd.DataFrame({"name": [], "settlement": [], "zone": []}), False)
    frame = pd.DataFrame({"name": zones["name"].array, "settlement": kinds, "zone": np.arange(len(zones))})
    return Communities(frame, True)
