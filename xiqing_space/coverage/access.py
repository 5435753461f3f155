"""Access: for every home, kind and profile the nearest operating facility that is open to everyone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from xiqing_space.coverage.home_rows import Part, rows_by_home
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.graph import WalkGraph, rows_of
from xiqing_space.network.links import seeds_of
from xiqing_space.network.reach import Seeds, nearest_along
from xiqing_space.texts import among, words_at

_REASONS = (
    "no_facility_mapped", "facility_not_linked", "home_not_linked", "home_not_placed", "beyond_search_limit",
    "unreachable",
)  # fmt: skip


@dataclass(frozen=True)
class AccessInputs:
    """What access is measured from. All tables are sorted by key, EPSG:4326."""

    demand: pd.DataFrame
    facilities: pd.DataFrame
    gates: pd.DataFrame
    links: pd.DataFrame
    metric_epsg: int

    @cached_property
    def homes(self) -> NDArray[np.object_]:
        """Places of the homes, metric."""
        points: NDArray[np.object_] = project_geometry(
            self.demand["geometry"].to_numpy(dtype=object), GEOGRAPHIC, self.metric_epsg
        )
        return points

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """Whether it is known where the people of a row live."""
        flags: NDArray[np.bool_] = self.demand["placed"].to_numpy(dtype=bool)
        return flags

    @cached_property
    def _by_kind(self) -> dict[str, pd.DataFrame]:
        counted = self.facilities[open_to_everyone(self.facilities)]
        return {str(kind): rows for kind, rows in counted.groupby("kind")}

    def open_of_kind(self, kind: str) -> pd.DataFrame:
        """The facilities of a kind that count as existing for everyone."""
        found = self._by_kind.get(kind)
        return pd.DataFrame(self.facilities.iloc[:0]) if found is None else found

    def sites_of_kind(self, kind: str) -> pd.DataFrame:
        """The first of these facilities of each site."""
        if kind not in self._sites:
            self._sites[kind] = self.open_of_kind(kind).drop_duplicates("site_id")
        return self._sites[kind]

    @cached_property
    def _sites(self) -> dict[str, pd.DataFrame]:
        return {}

    def keeping(self, kept: NDArray[np.bool_]) -> AccessInputs:
        """The same with only some rows of `facilities`."""
        fewer = replace(self, facilities=pd.DataFrame(self.facilities[kept]))
        fewer.__dict__.update(homes=self.homes, placed=self.placed)  # projected once
        return fewer

    def of_profile(self, graph: WalkGraph, profile: str) -> ProfileLinks:
        """The links of one profile as places on its graph."""
        mine = self.links[(self.links["profile"] == profile).to_numpy() & self.links["linked"].to_numpy(dtype=bool)]
        home = (mine["owner_type"] == "demand").to_numpy()
        homes, sites = mine[home], mine[~home]
        return ProfileLinks(
            graph,
            seeds_of(homes, graph),
            rows_of(homes["owner_id"], self.demand["demand_id"]),
            (homes["resolved_by"] == "perimeter").to_numpy(),
            homes["gate_id"].to_numpy(dtype=object),
            seeds_of(sites, graph),
            sites["owner_id"].to_numpy(dtype=object),
            sites["gate_id"].to_numpy(dtype=object),
        )


@dataclass(frozen=True)
class ProfileLinks:
    """Links on the graph of one profile: of homes (`home_row`: row of `demand`) and of sites, with their gates."""

    graph: WalkGraph
    homes: Seeds
    home_row: NDArray[np.int64]
    guessed: NDArray[np.bool_]
    home_gate: NDArray[np.object_]
    sites: Seeds
    site_id: NDArray[np.object_]
    gate_id: NDArray[np.object_]

    @cached_property
    def several(self) -> NDArray[np.bool_]:
        """Links of homes that have more than one: only these have to be told apart."""
        many: NDArray[np.bool_] = np.bincount(self.home_row)[self.home_row] > 1 if len(self.home_row) else self.guessed
        return many

    def on(self, graph: WalkGraph) -> ProfileLinks:
        """The same links on the same graph with some edges closed."""
        return replace(self, graph=graph)

    def without_legs(self) -> ProfileLinks:
        """The same links as if every home and every way in stood on its street."""
        homes, sites = self.homes, self.sites
        return replace(
            self, homes=replace(homes, leg_m=np.zeros(len(homes))), sites=replace(sites, leg_m=np.zeros(len(sites)))
        )


def open_to_everyone(facilities: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows count as existing for everyone: operating, and not for residents or employees only."""
    counts: NDArray[np.bool_] = ((facilities["status"] == "operating") & (facilities["serves"] == "everyone")).to_numpy(
        dtype=bool
    )
    return counts


def measure_walk(
    inputs: AccessInputs, links: ProfileLinks, kind: str, limit_m: float, *, worst_gate: bool = False
) -> pd.DataFrame:
    """Walking distance from every home to the nearest facility of one kind, on one profile.

    Parameters
    ----------
    inputs : AccessInputs
    links : ProfileLinks
        Of the profile; closed edges of its graph are infinitely long.
    limit_m : float
        Search limit; beyond it the distance is missing, with a reason.
    worst_gate : bool
        Where the gates of a home were guessed from its compound's perimeter, take the least favourable one.

    Returns
    -------
    DataFrame
        A row per home in the order of `demand`: `facility_id, gate_id, distance_m, reason`.

    Notes
    -----
    A distance says nothing about whether the facility has a place for the child, or whether the way is safe.
    """
    distance, words = _walks(inputs, links, kind, limit_m, worst_gate)
    return pd.DataFrame({key: words_at(*named) for key, named in words.items()} | {"distance_m": distance})


def walk_distance(
    inputs: AccessInputs, links: ProfileLinks, kind: str, limit_m: float, *, worst_gate: bool = False
) -> NDArray[np.float64]:
    """The `distance_m` of `measure_walk` alone, NaN where missing."""
    return _walks(inputs, links, kind, limit_m, worst_gate)[0]


def _walks(
    inputs: AccessInputs, links: ProfileLinks, kind: str, limit_m: float, worst_gate: bool
) -> tuple[NDArray[np.float64], dict[str, tuple[Any, NDArray[np.int64]]]]:
    """For each home the distance; its facility, its way in and its reason, as words and the row of its own (-1: none)."""
    count = len(inputs.demand)
    distance, facility, gate = np.full(count, np.nan), np.full(count, -1), np.full(count, -1)
    reason = np.full(count, -1)
    linked = np.zeros(count, dtype=bool)
    linked[links.home_row] = True
    mine = inputs.sites_of_kind(kind)
    site = rows_of(links.site_id, mine["site_id"])  # row of `mine` that each way in leads to
    chosen = np.flatnonzero(site >= 0)
    if len(chosen):
        seeds = links.sites.take(chosen)
        along, seed = nearest_along(links.graph, seeds, links.homes, limit_m)
        best = _best_link(links, along, worst_gate)
        row, way = links.home_row[best], chosen[seed[best]]
        distance[row], facility[row], gate[row] = along[best], site[way], way
        missing = np.isnan(distance)
        reason[missing] = _REASONS.index("beyond_search_limit")
        reason[missing & _apart(links, seeds, count)] = _REASONS.index("unreachable")
    else:
        missing = np.ones(count, dtype=bool)
        reason[:] = _REASONS.index("no_facility_mapped" if mine.empty else "facility_not_linked")
    if not mine.empty:
        reason[missing & ~linked] = _REASONS.index("home_not_linked")
        reason[missing & ~inputs.placed] = _REASONS.index("home_not_placed")
    words = {
        "facility_id": (mine["facility_id"], facility),
        "gate_id": (links.gate_id, gate),
        "reason": (_REASONS, reason),
    }
    return distance, words


def _best_link(links: ProfileLinks, along: NDArray[np.float64], worst_gate: bool) -> NDArray[np.int64]:
    """Of each home the link that counts: the shortest, or the longest of guessed ones; none where that leads nowhere."""
    some = np.flatnonzero(links.several)
    home, walk = links.home_row[some], along[some]
    order = np.lexsort((np.where(links.guessed[some], -walk, walk) if worst_gate else walk, home))
    lead = np.ones(len(order), dtype=bool)
    lead[1:] = home[order][1:] != home[order][:-1]
    best: NDArray[np.int64] = np.concatenate([np.flatnonzero(~links.several), some[order[lead]]])
    return best[np.isfinite(along[best])]


def _apart(links: ProfileLinks, seeds: Seeds, count: int) -> NDArray[np.bool_]:
    """Homes none of whose links lies in a part of the network that holds a facility."""
    graph = links.graph
    parts = np.unique(graph.component[graph.u[seeds.edge]])
    apart = np.ones(count, dtype=bool)
    apart[links.home_row[np.isin(graph.component[graph.u[links.homes.edge]], parts)]] = False
    return apart


def measure_straight(inputs: AccessInputs, kind: str) -> NDArray[np.float64]:
    """Straight line from every home to the nearest way in of any facility of a kind, metres, rounded; NaN where none.

    Measured to the ways in (a park's gates, a school's gate or else its point), so that it is never longer than the walk.
    """
    mine = inputs.open_of_kind(kind)
    if mine.empty or inputs.demand.empty:
        return np.full(len(inputs.demand), np.nan)
    gates = inputs.gates[(inputs.gates["owner_type"] == "site") & among(inputs.gates["owner_id"], mine["site_id"])]
    # a site behind a compound's gate is not reached at that gate, but where it stands
    own = gates[gates["through"].isna()]
    behind = mine[among(mine["site_id"], gates.loc[gates["through"].notna(), "owner_id"])]
    places = np.concatenate([own["geometry"].to_numpy(dtype=object), behind["geometry"].to_numpy(dtype=object)])
    points = project_geometry(places[~shapely.is_missing(places)], GEOGRAPHIC, inputs.metric_epsg)
    result = np.full(len(inputs.homes), np.nan)
    homes = np.flatnonzero(inputs.placed & ~shapely.is_missing(inputs.homes))
    if len(points) and len(homes):
        # of points scipy finds the nearest in a fifth of the time that GEOS takes
        nearest = cKDTree(shapely.get_coordinates(points)).query(shapely.get_coordinates(inputs.homes[homes]))[1]
        result[homes] = np.round(shapely.distance(inputs.homes[homes], points[nearest]), 2)
    return result


def measure_access(
    inputs: AccessInputs, links: dict[str, ProfileLinks], kinds: tuple[str, ...], limit_m: float
) -> pd.DataFrame:
    """The `access` table: every home × kind × profile.

    Parameters
    ----------
    links : dict of profile to ProfileLinks
    kinds : tuple of str
        Kinds to measure; one that nobody mapped gives rows with the reason `no_facility_mapped`, never a distance.
    limit_m : float
        Search limit.
    """
    parts = []
    for kind in kinds:
        straight = measure_straight(inputs, kind)
        for profile, mine in links.items():
            distance, words = _walks(inputs, mine, kind, limit_m, worst_gate=False)
            numbers = {"distance_m": distance, "straight_m": straight}
            parts.append(Part({"kind": kind, "profile": profile}, numbers, words))
    return rows_by_home(inputs.demand["demand_id"], parts)
