"""Access: for every home, kind and profile the nearest operating facility that is open to everyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.graph import WalkGraph
from xiqing_space.network.links import seeds_of
from xiqing_space.network.reach import nearest_along


@dataclass(frozen=True)
class AccessInputs:
    """What access is measured from. All tables are sorted by key, EPSG:4326."""

    demand: pd.DataFrame
    facilities: pd.DataFrame
    gates: pd.DataFrame
    links: pd.DataFrame
    metric_epsg: int


def open_to_everyone(facilities: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows count as existing for everyone: operating, and not for residents or employees only."""
    counts: NDArray[np.bool_] = ((facilities["status"] == "operating") & (facilities["serves"] == "everyone")).to_numpy(
        dtype=bool
    )
    return counts


def measure_walk(
    inputs: AccessInputs, graph: WalkGraph, profile: str, kind: str, limit_m: float, *, worst_gate: bool = False
) -> pd.DataFrame:
    """Walking distance from every home to the nearest facility of one kind, on one profile.

    Parameters
    ----------
    inputs : AccessInputs
    graph : WalkGraph
        Of the profile; closed edges are infinitely long.
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
    count = len(inputs.demand)
    distance = np.full(count, np.nan)
    facility = np.full(count, None, dtype=object)
    gate = np.full(count, None, dtype=object)
    reason = np.full(count, None, dtype=object)
    mine = inputs.facilities[open_to_everyone(inputs.facilities) & (inputs.facilities["kind"] == kind).to_numpy()]
    links = inputs.links[(inputs.links["profile"] == profile) & inputs.links["linked"]]
    site_links = links[(links["owner_type"] == "site") & links["owner_id"].isin(set(mine["site_id"]))]
    home_links = links[links["owner_type"] == "demand"]
    home_row = pd.Index(inputs.demand["demand_id"]).get_indexer(pd.Index(home_links["owner_id"]))
    linked = np.zeros(count, dtype=bool)
    linked[home_row] = True
    if mine.empty or site_links.empty:
        reason[:] = "no_facility_mapped" if mine.empty else "facility_not_linked"
        if not mine.empty:
            reason[~linked] = "home_not_linked"
        return pd.DataFrame({"facility_id": facility, "gate_id": gate, "distance_m": distance, "reason": reason})
    seeds, owners = seeds_of(site_links, graph), seeds_of(home_links, graph)
    along, seed = nearest_along(graph, seeds, owners, limit_m)
    guessed = (home_links["resolved_by"] == "perimeter").to_numpy() if worst_gate else np.zeros(len(along), dtype=bool)
    order = np.lexsort((np.arange(len(along)), np.where(guessed, -along, along), home_row))
    lead = np.ones(len(order), dtype=bool)
    lead[1:] = home_row[order][1:] != home_row[order][:-1]
    best = order[lead]
    best = best[np.isfinite(along[best])]
    row, seed = home_row[best], seed[best]
    distance[row] = along[best]
    site = site_links["owner_id"].to_numpy(dtype=object)[seed]
    first = mine.drop_duplicates("site_id").set_index("site_id")["facility_id"]
    facility[row] = first.loc[site].to_numpy()
    gate[row] = site_links["gate_id"].to_numpy(dtype=object)[seed]
    missing = np.isnan(distance)
    reason[missing] = "beyond_search_limit"
    apart = _unreachable(graph, owners, seeds, home_row, count)
    reason[missing & apart] = "unreachable"
    reason[missing & ~linked] = "home_not_linked"
    return pd.DataFrame({"facility_id": facility, "gate_id": gate, "distance_m": distance, "reason": reason})


def _unreachable(graph: WalkGraph, owners: Any, seeds: Any, home_row: Any, count: int) -> NDArray[np.bool_]:
    """Homes none of whose links lies in a part of the network that holds a facility."""
    parts = np.unique(graph.component[graph.u[seeds.edge]])
    together = np.zeros(count, dtype=bool)
    together[home_row[np.isin(graph.component[graph.u[owners.edge]], parts)]] = True
    return ~together


def measure_straight(inputs: AccessInputs, kind: str) -> NDArray[np.float64]:
    """Straight line from every home to the nearest way in of any facility of a kind, metres, rounded; NaN where none.

    Measured to the ways in (a park's gates, a school's gate or else its point), so that it is never longer than the walk.
    """
    mine = inputs.facilities[open_to_everyone(inputs.facilities) & (inputs.facilities["kind"] == kind).to_numpy()]
    if mine.empty or inputs.demand.empty:
        return np.full(len(inputs.demand), np.nan)
    gates = inputs.gates[(inputs.gates["owner_type"] == "site") & inputs.gates["owner_id"].isin(set(mine["site_id"]))]
    points = project_geometry(gates["geometry"].to_numpy(dtype=object), GEOGRAPHIC, inputs.metric_epsg)
    homes = project_geometry(inputs.demand["geometry"].to_numpy(dtype=object), GEOGRAPHIC, inputs.metric_epsg)
    rows, distance = shapely.STRtree(points).query_nearest(homes, return_distance=True, all_matches=False)
    result = np.full(len(homes), np.nan)
    result[rows[0]] = np.round(distance, 2)
    return result


def measure_access(
    inputs: AccessInputs, graphs: dict[str, WalkGraph], kinds: tuple[str, ...], limit_m: float
) -> pd.DataFrame:
    """The `access` table (unsorted): every home × kind × profile.

    Parameters
    ----------
    graphs : dict of profile to WalkGraph
    kinds : tuple of str
        Kinds to measure; one that nobody mapped gives rows with the reason `no_facility_mapped`, never a distance.
    limit_m : float
        Search limit.
    """
    parts = []
    for kind in kinds:
        straight = measure_straight(inputs, kind)
        for profile, graph in graphs.items():
            part = measure_walk(inputs, graph, profile, kind, limit_m)
            part.insert(0, "demand_id", inputs.demand["demand_id"].array)
            part["kind"], part["profile"], part["straight_m"] = kind, profile, straight
            parts.append(part)
    return pd.concat(parts, ignore_index=True)
