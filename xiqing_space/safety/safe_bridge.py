"""Who is covered on foot and lost by the safe walk: what is left out alone that loses them, and where their shortest walk meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.coverage.access import AccessInputs, measure_walk
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.safety.safe_access import ARTERIAL, CAUSES, SidedLinks, of_kinds, safe_kinds
from xiqing_space.safety.shortest_walks import ShortestWalks

COLUMNS = ("demand_id", "kind", "profile", "limit_m", "distance_m", "safe_m", "cause", "crossing_id")
SEVERAL = "several"
Limit = tuple[str, str, float]  # kind, profile, metres


def safe_limits(catalogue: Catalogue) -> tuple[Limit, ...]:
    """Every limit of the kinds whose safe walk is measured, default and alternative, with the profiles that need them."""
    return tuple(
        (kind, profile, limit)
        for kind, profiles in safe_kinds(catalogue).items()
        for profile in profiles
        for limit in catalogue.limits_m(kind, profile)
    )


def measure_safe_bridge(
    inputs: AccessInputs,
    access: pd.DataFrame,
    safe_access: pd.DataFrame,
    sided: Mapping[str, SidedLinks],
    limits: tuple[Limit, ...],
) -> pd.DataFrame:
    """The `safe_bridge` table (unsorted): homes within a limit on foot and beyond it by the safe walk, and why.

    The cause is the class whose crossings, left out alone, take the home beyond the limit; of several such classes the first in the
    order arterials, rail, unverified. Where none alone does, only several together. That a crossing stands on the shortest walk does
    not say that mending it alone would be enough.

    Parameters
    ----------
    inputs : AccessInputs
    access, safe_access : DataFrame
        The tables of those names.
    sided : mapping of profile to SidedLinks
    limits : tuple of (kind, profile, metres)
        From `safe_limits`.
    """
    lost = _lost(inputs, access, safe_access, limits)
    parts = []
    for profile, mine in lost.groupby("profile", sort=True):
        parts += _Search(inputs, sided[str(profile)], mine).explain(mine)
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame()


def _lost(
    inputs: AccessInputs, access: pd.DataFrame, safe_access: pd.DataFrame, limits: tuple[Limit, ...]
) -> pd.DataFrame:
    """Rows of the table before their causes are known."""
    ids = inputs.demand["demand_id"]
    kinds, names = {kind for kind, _, _ in limits}, ["demand_id", "kind", "profile", "distance_m"]
    walks, safe = (
        AccessByHome(pd.DataFrame(one.loc[one["kind"].isin(kinds), names]), ids) for one in (access, safe_access)
    )
    columns = ("kind", "profile", "limit_m", "demand_id", "distance_m", "safe_m")
    parts = [pd.DataFrame({name: pd.Series(dtype=object) for name in columns})]
    for kind, profile, limit in limits:
        walk, after = walks.of(kind, profile).walk_m, safe.of(kind, profile).walk_m
        home = np.flatnonzero((np.round(walk, 2) <= limit) & ~(np.round(after, 2) <= limit))
        rows = {"demand_id": ids.to_numpy(dtype=object)[home], "distance_m": walk[home], "safe_m": after[home]}
        parts.append(pd.DataFrame(rows).assign(kind=kind, profile=profile, limit_m=limit))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


class _Search:
    """Searches of one profile with one class left out, and the walks with nothing left out."""

    def __init__(self, inputs: AccessInputs, sided: SidedLinks, lost: pd.DataFrame) -> None:
        slim = of_kinds(inputs, set(lost["kind"]))
        self._inputs = replace(slim, demand=slim.demand[slim.demand["demand_id"].isin(set(lost["demand_id"]))])
        self._limit = float(lost["limit_m"].max())
        there = {cause: bool(sided.unsafe.arcs[cause].any()) for cause in CAUSES}
        there[ARTERIAL] = there[ARTERIAL] or bool(sided.dashes.any())
        self._alone = {cause: sided.without((cause,), self._inputs) for cause in CAUSES if there[cause]}
        self._shortest = ShortestWalks(sided, self._inputs)

    def explain(self, lost: pd.DataFrame) -> list[pd.DataFrame]:
        """Rows by kind with `cause` and `crossing_id`."""
        return [self._of_kind(str(kind), mine) for kind, mine in lost.groupby("kind", sort=True)]

    def _of_kind(self, kind: str, lost: pd.DataFrame) -> pd.DataFrame:
        home = pd.Index(self._inputs.demand["demand_id"]).get_indexer(pd.Index(lost["demand_id"]))
        limit = lost["limit_m"].to_numpy(dtype=float)
        cause = np.full(len(lost), SEVERAL, dtype=object)
        for name, links in self._alone.items():
            walk = measure_walk(self._inputs, links, kind, self._limit)["distance_m"].to_numpy(dtype=float)[home]
            cause[~(walk <= limit) & (cause == SEVERAL)] = name
        facilities = self._inputs.facilities
        sites = set(facilities.loc[facilities["kind"] == kind, "site_id"])
        walks = self._shortest.to_sites(sites, self._limit)
        met = np.full(len(lost), None, dtype=object)
        for name, part in ((one, np.flatnonzero(cause == one)) for one in np.unique(cause)):
            causes = CAUSES if name == SEVERAL else (name,)
            met[part] = walks.met(causes)[home[part]]
        return lost.assign(cause=cause, crossing_id=met)
