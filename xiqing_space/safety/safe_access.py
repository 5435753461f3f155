"""Coverage by the third measure: the walk without crossings that a family would not let a child use.

Left out are crossings of arterial roads that have neither signals nor a bridge or tunnel of their own (a zebra without signals is not
enough), ways over rail on the level or nobody knows how, and crossings of other barriers that nobody verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, measure_walk, open_to_everyone
from xiqing_space.coverage.land import profiles_needed
from xiqing_space.network.graph import assemble
from xiqing_space.network.reach import Seeds
from xiqing_space.safety.ends import OTHER_SIDE, Ends, attach_links
from xiqing_space.safety.sides import SidedGraph

ARTERIAL, RAIL, UNVERIFIED = CAUSES = ("unsignalised_arterial", "rail", "unverified_barrier")
_STOPPED = ("signals", "grade_separated")  # what stops or leads away the traffic of an arterial
_AWAY_FROM_RAIL = ("bridge", "tunnel")
COLUMNS = ("demand_id", "kind", "profile", "facility_id", "distance_m", "reason")


def safe_kinds(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Kinds whose safe walk is measured, and the profiles of the age bands that need them, as coverage has them."""
    needed = profiles_needed(catalogue)
    return {kind: needed[kind] for kind in catalogue.safety["routes"]["safe_kinds"] if kind in needed}


@dataclass(frozen=True)
class Unsafe:
    """What the safe walk leaves out, by cause; no arc and no barrier has two causes.

    Attributes
    ----------
    arcs : dict of cause to bool (m,)
        Arcs of the graph with sides.
    crossings : bool (c,)
        Crossings of arterials that nothing stops, in the graph's order.
    """

    arcs: dict[str, NDArray[np.bool_]]
    crossings: NDArray[np.bool_]


def find_unsafe(graph: SidedGraph, crossings: pd.DataFrame, barrier_crossings: pd.DataFrame) -> Unsafe:
    """What a child's walk leaves out of a graph.

    A signal says nothing of how long the green lasts, or whether turning traffic yields.

    Parameters
    ----------
    graph : SidedGraph
    crossings, barrier_crossings : DataFrame
        The tables of those names.
    """
    unstopped = crossings["arterial"].to_numpy(dtype=bool) & ~crossings["control"].isin(_STOPPED).to_numpy(dtype=bool)
    row = pd.Index(crossings["crossing_id"]).get_indexer(pd.Index(graph.crossing_id))
    of_crossing: NDArray[np.bool_] = np.concatenate([unstopped[row], [False]])  # -1: nothing is crossed
    rail = (barrier_crossings["barrier"] == "rail").to_numpy(dtype=bool)
    level = rail & ~barrier_crossings["way_over"].isin(_AWAY_FROM_RAIL).to_numpy(dtype=bool)
    untold = ~rail & ~barrier_crossings["verified"].to_numpy(dtype=bool)
    over = of_crossing[graph.crossing]
    arcs = {ARTERIAL: over}
    for cause, those in ((RAIL, level), (UNVERIFIED, untold)):
        edges = np.append(np.isin(graph.edge_id, barrier_crossings["edge_id"].to_numpy(dtype=object)[those]), False)
        arcs[cause] = edges[graph.edge] & ~np.any(list(arcs.values()), axis=0)
    return Unsafe(arcs, of_crossing[:-1])


@dataclass(frozen=True)
class SidedLinks:
    """The links of one profile on the graph with sides.

    Attributes
    ----------
    graph : SidedGraph
    shut : bool (m,)
        Arcs that are closed to the profile.
    links : DataFrame
        `access_links` of the profile.
    ends : Ends
        Their ways in.
    unsafe : Unsafe
    """

    graph: SidedGraph
    shut: NDArray[np.bool_]
    links: pd.DataFrame
    ends: Ends
    unsafe: Unsafe

    @cached_property
    def dashes(self) -> NDArray[np.bool_]:
        """Ways in that lead straight over an arterial: the whole road before the door. Where the side is unknown nobody can say."""
        ends = self.ends
        over = np.append(self.unsafe.crossings, False)[ends.crossing]
        return np.asarray(over & (ends.part >= OTHER_SIDE))

    @cached_property
    def _owners(self) -> tuple[NDArray[np.object_], ...]:
        """Of each way in: whose it is, its gate, what it rests on, whether home or site."""
        return tuple(
            self.links[name].to_numpy(dtype=object)[self.ends.link]
            for name in ("owner_id", "gate_id", "resolved_by", "owner_type")
        )

    def owners(self, inputs: AccessInputs) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Ways in of homes, the row of `demand` of each, and ways in of sites; those that are not in `inputs` have none."""
        owner, _, _, kind = self._owners
        home, site = (np.flatnonzero(kind == of) for of in ("demand", "site"))
        site = site[pd.Index(owner[site]).isin(set(inputs.facilities["site_id"]))]
        row = pd.Index(inputs.demand["demand_id"]).get_indexer(pd.Index(owner[home])).astype(np.int64)
        return home[row >= 0], row[row >= 0], site

    def seeds(self, ends: NDArray[np.int64]) -> Seeds:
        """Some of the ways in as places on arcs."""
        return Seeds(self.ends.arc[ends].astype(np.int64), self.ends.offset_m[ends], self.ends.leg_m[ends])

    def names(self, ends: NDArray[np.int64]) -> NDArray[np.object_]:
        """Whose each way in is."""
        return self._owners[0][ends]

    def without(self, causes: tuple[str, ...], inputs: AccessInputs) -> ProfileLinks:
        """The links as coverage takes them, on a graph whose edges are the arcs, without arcs and ways in of some causes."""
        graph, (owner, gate, by, _) = self.graph, self._owners
        left_out = np.any([self.shut, *(self.unsafe.arcs[cause] for cause in causes)], axis=0)
        walk = assemble(graph.node_id, graph.xy, np.arange(len(left_out)).astype(object), graph.tail, graph.head,
                        np.where(left_out, np.inf, graph.length_m))  # fmt: skip
        home, row, site = self.owners(inputs)
        if ARTERIAL in causes:
            kept = ~self.dashes
            home, row, site = home[kept[home]], row[kept[home]], site[kept[site]]
        return ProfileLinks(
            walk, self.seeds(home), row, by[home] == "perimeter", gate[home], self.seeds(site), owner[site], gate[site]
        )


def sided_links(
    streets: pd.DataFrame, links: pd.DataFrame, graph: SidedGraph, unsafe: Unsafe, profile: str
) -> SidedLinks:
    """The links of a profile on the walkers' graph with sides.

    Parameters
    ----------
    streets, links : DataFrame
        Tables `streets` and `access_links`.
    graph : SidedGraph
        Of the profile walk: what is open to prams is open to walkers.
    unsafe : Unsafe
        Of that graph.
    profile : {"walk", "pram"}
    """
    row = pd.Index(streets["edge_id"]).get_indexer(pd.Index(graph.edge_id))
    closed = np.append(~streets[profile].to_numpy(dtype=bool)[row], False)
    mine = links[(links["profile"] == profile).to_numpy(dtype=bool)]
    return SidedLinks(graph, closed[graph.edge], mine, attach_links(mine, graph), unsafe)


def of_kinds(inputs: AccessInputs, kinds: set[str]) -> AccessInputs:
    """The same with the facilities that count of some kinds alone, and no more columns than walks are measured from."""
    facilities = inputs.facilities
    counts = open_to_everyone(facilities) & facilities["kind"].isin(kinds).to_numpy(dtype=bool)
    slim = pd.DataFrame(facilities[["facility_id", "site_id", "kind", "status", "serves"]])
    return replace(inputs, demand=pd.DataFrame(inputs.demand[["demand_id", "placed"]]), facilities=slim[counts])


def measure_safe_access(
    inputs: AccessInputs, sided: Mapping[str, SidedLinks], kinds: Mapping[str, tuple[str, ...]], limit_m: float
) -> pd.DataFrame:
    """The `safe_access` table (unsorted): every home × kind × profile.

    A safe walk is not a harmless one: it only uses no crossing of the classes left out. Facilities count and distances are rounded
    as in `access`; legs are included.

    Parameters
    ----------
    inputs : AccessInputs
    sided : mapping of profile to SidedLinks
    kinds : mapping of kind to profiles
        From `safe_kinds`.
    limit_m : float
        Search limit of `access`.
    """
    inputs = of_kinds(inputs, set(kinds))
    links = {profile: one.without(CAUSES, inputs) for profile, one in sided.items()}
    parts = []
    for kind, profiles in kinds.items():
        for profile in profiles:
            part = measure_walk(inputs, links[profile], kind, limit_m)
            parts.append(part.assign(demand_id=inputs.demand["demand_id"].array, kind=kind, profile=profile))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)] if parts else pd.DataFrame()
