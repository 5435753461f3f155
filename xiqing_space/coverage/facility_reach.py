"""Facility reach: who has each facility within its kind's limits on foot, and how much street lies within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Band
from xiqing_space.coverage.access import AccessInputs, ProfileLinks
from xiqing_space.network.pairs import Owned, Pairs, PairSearch


@dataclass(frozen=True)
class KindReach:
    """Facilities of one kind that are open to everyone, and the homes within the farthest limit, on one profile.

    Attributes
    ----------
    facilities : DataFrame
        Rows of the `facilities` table, by id; `pairs.site` counts them, `pairs.home` the rows of `demand`.
    limits_m : tuple of float
        Ascending; `pairs.reached_m` has a column for each.
    facility_linked : bool (facilities,)
        Whether any way in of its site was joined to the network: of the others nobody knows who reaches them.
    home_linked : bool (homes,)
    """

    kind: str
    profile: str
    facilities: pd.DataFrame
    limits_m: tuple[float, ...]
    pairs: Pairs
    facility_linked: NDArray[np.bool_]
    home_linked: NDArray[np.bool_]


def search_of(inputs: AccessInputs, links: ProfileLinks) -> PairSearch:
    """The homes of one profile, made ready for the pairs of every kind."""
    return PairSearch(links.graph, Owned(links.homes, links.home_row, len(inputs.demand)))


def reach_of_kind(
    inputs: AccessInputs, links: ProfileLinks, search: PairSearch, kind: str, profile: str, limits_m: tuple[float, ...]
) -> KindReach:
    """The pairs of all facilities of a kind and the homes within the farthest of some limits.

    Parameters
    ----------
    inputs : AccessInputs
    links : ProfileLinks
        Of the profile.
    search : PairSearch
        Of the same links, from `search_of`.
    limits_m : tuple of float
        At least one.
    """
    mine = inputs.open_of_kind(kind).sort_values("facility_id", kind="stable").reset_index(drop=True)
    # two facilities of a kind may share a site and its ways in
    row, way = pd.Index(mine["site_id"]), pd.Index(links.site_id)
    facility, chosen = row.get_indexer_non_unique(way[way.isin(row)])[0], np.flatnonzero(way.isin(row))
    if not row.is_unique:
        chosen = np.repeat(chosen, row.value_counts().reindex(way[chosen]).to_numpy())
    facility = facility.astype(np.int64)
    limits = tuple(sorted(limits_m))
    sites = Owned(links.sites.take(chosen), facility, len(mine))
    pairs = search.pairs(sites, limits[-1], limits)
    home_linked = np.zeros(len(inputs.demand), dtype=bool)
    home_linked[links.home_row] = True
    facility_linked = np.zeros(len(mine), dtype=bool)
    facility_linked[facility] = True
    return KindReach(kind, profile, mine, limits, pairs, facility_linked, home_linked)


def measure_facility_reach(
    reach: KindReach, demand: pd.DataFrame, bands: Sequence[Band], places: NDArray[np.float64]
) -> pd.DataFrame:
    """Rows of the `facility_reach` table of one kind and profile (unsorted): facility × limit.

    Catchments overlap: a child within reach of two facilities is counted at both, so rows must never be added up, and places
    per child here do not share children out (supply does). A facility that no street could be joined to has no row: nobody
    knows who reaches it.

    Parameters
    ----------
    reach : KindReach
    demand : DataFrame
        The homes, buffer included: `inside, weight_kind` and the columns of the bands.
    bands : sequence of Band
        The bands that need the kind on this profile.
    places : float64 (facilities,)
        Places of each facility; NaN where nobody knows them.

    Returns
    -------
    DataFrame
        `facility_id, kind, limit_m, profile, weight_kind, children, children_inside, places_per_child, reached_m`.
    """
    count = len(reach.facilities)
    people = sum((demand[band.column].to_numpy(dtype=float) for band in bands), np.zeros(len(demand)))
    inside = np.where(demand["inside"].to_numpy(dtype=bool), people, 0.0)
    weight = str(demand["weight_kind"].iloc[0]) if len(demand) else "relative"
    parts = []
    for column, limit in enumerate(reach.limits_m):
        near = reach.pairs.within(limit)
        children = np.bincount(near.site, weights=people[near.home], minlength=count)
        shared = (children > 0) & (weight == "persons")
        parts.append(
            pd.DataFrame(
                {
                    "facility_id": reach.facilities["facility_id"].array, "kind": reach.kind, "limit_m": limit,
                    "profile": reach.profile, "weight_kind": weight, "children": children,
                    "children_inside": np.bincount(near.site, weights=inside[near.home], minlength=count),
                    "places_per_child": np.where(shared, places / np.where(shared, children, 1.0), np.nan),
                    "reached_m": reach.pairs.reached_m[:, column],
                }
            )[reach.facility_linked]
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
