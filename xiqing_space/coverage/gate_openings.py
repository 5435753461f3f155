"""Closed gates (先开这道门): whose walk gets shorter, and by how much, if one of them is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome, Distances
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.gates import ON_EDGE_M
from xiqing_space.network.graph import spread
from xiqing_space.network.links import seeds_of
from xiqing_space.network.reach import nearest_along, reach_each

COLUMNS = ("gate_id", "owner_id", "owner_type", "owner_name", "kind", "zone_id", "weight_kind", "children_helped",
           "children_covered", "metres_saved_mean", "rank", "geometry")  # fmt: skip
_KNOWN = ("survey", "mapped")
_CHUNK = 50  # gates of sites searched at once


def find_closed_gates(
    surveyed: pd.DataFrame, mapped: pd.DataFrame, gates: pd.DataFrame, compounds: pd.DataFrame, grounds: pd.DataFrame,
    metric_epsg: int,
) -> pd.DataFrame:  # fmt: skip
    """Closed gates of compounds and sites whose other gates are known.

    A surveyed gate is closed by its status; a mapped one that is shut counts on the outline of a compound or ground (within 3 m)
    that nobody surveyed. Where the other gates are guesses, or none is open, today's walks are guesses or unknown, and what an
    opening saves cannot be told: such gates are left out.

    Parameters
    ----------
    surveyed, gates, compounds, grounds : DataFrame
        Tables, EPSG:4326.
    mapped : DataFrame
        `gate_id`, `shut` (to everyone), `geometry`.
    metric_epsg : int

    Returns
    -------
    DataFrame
        `gate_id, owner_id, owner_type, known` (whether the owner's other gates are), `geometry`; ordered by gate and owner.
    """
    columns = ["gate_id", "owner_id", "owner_type", "geometry"]
    parts = [pd.DataFrame(surveyed[(surveyed["status"] == "closed").to_numpy(dtype=bool)][columns])]
    shut = mapped[mapped["shut"].to_numpy(dtype=bool)]
    points = project_geometry(shut["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    told = set(surveyed["owner_id"])
    for owner_type, land, name in (("compound", compounds, "compound_id"), ("site", grounds, "site_id")):
        land = land[~land[name].isin(told)]
        rims = shapely.boundary(project_geometry(land["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))
        gate, rim = shapely.STRtree(rims).query(points, predicate="dwithin", distance=ON_EDGE_M)
        parts.append(pd.DataFrame({"gate_id": shut["gate_id"].to_numpy(dtype=object)[gate], "owner_id":
                                   land[name].to_numpy(dtype=object)[rim], "owner_type": owner_type,
                                   "geometry": shut["geometry"].to_numpy(dtype=object)[gate]}))  # fmt: skip
    found = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    open_ = gates[gates["resolved_by"].isin(_KNOWN) & gates["through"].isna()]
    known = pd.MultiIndex.from_frame(open_[["owner_type", "owner_id"]])
    found["known"] = pd.MultiIndex.from_frame(found[["owner_type", "owner_id"]]).isin(known)
    found["geometry"] = found["geometry"].to_numpy(dtype=object)
    return found.sort_values(["gate_id", "owner_id"], ignore_index=True)


@dataclass(frozen=True)
class Opened:
    """Walks over opened gates on one profile: for each gate and home one, by kind.

    `gate`: row of the closed gates; `home`: row of `demand`; `walk_m` to the nearest facility over that gate.
    """

    gate: NDArray[np.int64]
    home: NDArray[np.int64]
    walk_m: NDArray[np.float64]


class GateWalks:
    """Walks over opened gates on one profile.

    A compound's gate is opened for its residents alone: they get one way out more, and nobody else comes in. A site's gate is opened
    for everyone who walks to the site.

    Parameters
    ----------
    inputs : AccessInputs
    links : ProfileLinks
        As they are.
    closed : DataFrame
        From `find_closed_gates`.
    opened : DataFrame
        `access_links` of the same profile over the closed gates alone (homes of their compounds, and sites).
    limit_m : float
        Search limit.
    """

    def __init__(
        self, inputs: AccessInputs, links: ProfileLinks, closed: pd.DataFrame, opened: pd.DataFrame, limit_m: float
    ) -> None:
        self._links, self._limit = links, limit_m
        linked = opened[opened["linked"].to_numpy(dtype=bool)]
        home = (linked["owner_type"] == "demand").to_numpy()
        out, ways_in = linked[home], linked[~home]
        self._home = pd.Index(inputs.demand["demand_id"]).get_indexer(pd.Index(out["owner_id"]))
        compound = inputs.demand["compound_id"].to_numpy(dtype=object)[self._home]
        places = pd.MultiIndex.from_frame(closed[["gate_id", "owner_id"]])
        self._out_gate = places.get_indexer(pd.MultiIndex.from_arrays([out["gate_id"], compound]))
        self._out = seeds_of(out, links.graph)
        self._in_gate = places.get_indexer(pd.MultiIndex.from_frame(ways_in[["gate_id", "owner_id"]]))
        self._in_site = ways_in["owner_id"].to_numpy(dtype=object)
        self._in = seeds_of(ways_in, links.graph)
        self._to_gates = list(self._walks_to_gates(len(inputs.demand)))

    def of_kind(self, site_ids: NDArray[np.object_]) -> Opened:
        """Walks to the nearest of these sites over each opened gate that leads out of the home's compound or into one of them."""
        sites = np.flatnonzero(np.isin(self._links.site_id, site_ids))
        parts = []
        if len(sites) and len(self._out):
            along, _ = nearest_along(self._links.graph, self._links.sites.take(sites), self._out, self._limit)
            parts.append((self._out_gate, self._home, along))
        for row, home, walk in self._to_gates:
            mine = np.isin(self._in_site[row], site_ids)
            parts.append((self._in_gate[row][mine], home[mine], walk[mine]))
        if not parts:
            return Opened(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
        gate, home, walk = (np.concatenate(part) for part in zip(*parts, strict=True))
        found = np.isfinite(walk)
        return Opened(gate[found], home[found], walk[found])

    def _walks_to_gates(self, homes: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
        """Way in (row), home and walk between them, the shortest one of each pair; some gates at a time."""
        graph, mine = self._links.graph, self._links.homes
        length = graph.length_m[mine.edge]
        ends = np.concatenate([graph.u[mine.edge], graph.v[mine.edge]])
        cost = np.concatenate([mine.offset_m + mine.leg_m, length - mine.offset_m + mine.leg_m])
        link = np.tile(np.arange(len(mine)), 2)
        order = np.argsort(ends, kind="stable")
        begin = np.searchsorted(ends[order], np.arange(graph.n_nodes + 1))
        by_edge = np.argsort(mine.edge, kind="stable")
        for start in range(0, len(self._in), _CHUNK):
            row = np.arange(start, min(start + _CHUNK, len(self._in)))
            here = self._in.take(row)
            rest = graph.length_m[here.edge] - here.offset_m
            search, node, far = reach_each(
                graph, np.concatenate([graph.u[here.edge], graph.v[here.edge]]).astype(np.int64), self._limit
            )
            far = far + np.concatenate([here.offset_m, rest])[search] + here.leg_m[search % len(row)]
            size = begin[node + 1] - begin[node]
            at = order[spread(begin[node], size)]
            way, walk = np.repeat(search % len(row), size), np.repeat(far, size) + cost[at]
            # homes on the gate's own street may walk along it
            low, high = (np.searchsorted(mine.edge[by_edge], here.edge, side) for side in ("left", "right"))
            same = by_edge[spread(low, high - low)]
            own = np.repeat(np.arange(len(row)), high - low)
            along = np.abs(mine.offset_m[same] - here.offset_m[own]) + mine.leg_m[same] + here.leg_m[own]
            home = self._links.home_row[np.concatenate([link[at], same])]
            walk = np.round(np.concatenate([walk, along]), 2)
            key, pair = np.unique(np.concatenate([way, own]) * homes + home, return_inverse=True)
            least = np.full(len(key), np.inf)
            np.minimum.at(least, pair, walk)
            near = least <= self._limit
            yield row[key[near] // homes], key[near] % homes, least[near]


def measure_gate_openings(
    inputs: AccessInputs, access: pd.DataFrame, closed: pd.DataFrame, walks: Mapping[str, GateWalks], catalogue: Catalogue,
    names: Mapping[str, str], zones: pd.DataFrame, limit_m: float,
) -> pd.DataFrame:  # fmt: skip
    """The `gate_openings` table (unsorted): closed gate × kind whose walk gets shorter for somebody.

    Each gate is opened alone; what two of them save together is not their sum. Children of the buffer are not counted, and so are
    children whose walk is unknown today. A child who had nothing within the search limit saves at least the rest of it, and
    that much is counted. Nobody has asked the residents, or why the gate is closed.

    Parameters
    ----------
    inputs : AccessInputs
    access : DataFrame
        The `access` table.
    closed : DataFrame
        From `find_closed_gates`, those whose owner's other gates are known.
    walks : mapping of profile to GateWalks
    catalogue : Catalogue
    names : mapping of compound or site id to name
    zones : DataFrame
    limit_m : float
        Search limit of `access`.
    """
    demand = inputs.demand
    today = AccessByHome(access, demand["demand_id"])
    inside = demand["inside"].to_numpy(dtype=bool)
    parts = []
    for kind in catalogue.measured_kinds:
        mine = open_to_everyone(inputs.facilities) & (inputs.facilities["kind"] == kind).to_numpy()
        site_ids = np.unique(inputs.facilities.loc[mine, "site_id"].to_numpy(dtype=object))
        bands = catalogue.target_bands(kind)
        opened = {profile: walks[profile].of_kind(site_ids) for profile in {band.profile for band in bands}}
        for band in bands:
            over, now = opened[band.profile], today.of(kind, band.profile)
            limits = [standard.limit_m(band) for standard in catalogue.standards_of(kind)[:1]]
            children = np.where(inside, demand[band.column].to_numpy(dtype=float), 0.0)
            parts.append(_helped(over, now, children, limits, limit_m).assign(kind=kind))
    found = pd.concat(parts, ignore_index=True).groupby(["gate", "kind"], sort=True).agg(
        children_helped=("children", "sum"), children_covered=("covered", lambda part: part.sum(skipna=False)),
        metres=("metres", "sum"),
    ).reset_index()  # fmt: skip
    if found.empty:
        return pd.DataFrame()
    score = found.groupby("gate")["metres"].sum().round(6)
    order = sorted(score.index, key=lambda gate: (-score[gate], gate))
    gate = found["gate"].to_numpy()
    rows = closed.iloc[gate].reset_index(drop=True)
    return pd.DataFrame(
        {
            **{name: rows[name].array for name in ("gate_id", "owner_id", "owner_type")},
            "owner_name": [names.get(one) for one in rows["owner_id"]],
            "kind": found["kind"].array,
            "zone_id": _zone_of(rows["geometry"].to_numpy(dtype=object), zones),
            "weight_kind": str(demand["weight_kind"].iloc[0]),
            "children_helped": found["children_helped"].array,
            "children_covered": found["children_covered"].array,
            "metres_saved_mean": (found["metres"] / found["children_helped"]).array,
            "rank": found["gate"].map({gate: place for place, gate in enumerate(order, 1)}).array,
            "geometry": rows["geometry"].to_numpy(dtype=object),
        }
    )[list(COLUMNS)]


def _helped(
    over: Opened, now: Distances, children: NDArray[np.float64], limits: list[float], limit_m: float
) -> pd.DataFrame:
    """Of one band and kind: gate, children helped, those of them who come within the limit (missing without one), metres saved."""
    before = now.walk_m[over.home]
    before = np.where(np.isnan(before) & ~now.unlinked[over.home], limit_m, before)
    saved = np.round(before - over.walk_m, 2)
    helped = np.flatnonzero((saved > 0) & (children[over.home] > 0))
    who, metres = children[over.home[helped]], saved[helped]
    covered = np.full(len(helped), np.nan)
    for limit in limits:
        was = np.round(now.walk_m[over.home[helped]], 2) <= limit
        covered = np.where(~was & (over.walk_m[helped] <= limit), who, 0.0)
    return pd.DataFrame({"gate": over.gate[helped], "children": who, "covered": covered, "metres": who * metres})


def _zone_of(points: Any, zones: pd.DataFrame) -> list[str | None]:
    """Zone of each point, the first by id where zones overlap."""
    ordered = zones.sort_values("zone_id")
    point, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    found: list[str | None] = [None] * len(points)
    names = ordered["zone_id"].tolist()
    for one, other in sorted(zip(point.tolist(), zone.tolist(), strict=True), reverse=True):
        found[one] = names[other]
    return found
