"""Shortest walks from homes to sites with nothing left out, and what each of them meets first of what a safe walk leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.coverage.access import AccessInputs
from xiqing_space.network.graph import spread
from xiqing_space.network.reach import Seeds
from xiqing_space.network.trees import ArcNet, Trees, TreeStarts, grow_trees
from xiqing_space.safety.safe_access import ARTERIAL, SidedLinks

# of walks of one length the one with the fewest places left out is told of: each of these weighs a millimetre more
_UNSAFE_M = 1e-3
_STEP_M = 1e-6  # and every arc a little, so that a walk gets nearer with each arc, changes of side included
NOTHING = -1


class ShortestWalks:
    """Shortest walks on one profile from the homes of `inputs` to its sites.

    Parameters
    ----------
    sided : SidedLinks
    inputs : AccessInputs
        Homes and sites to be looked at.
    """

    def __init__(self, sided: SidedLinks, inputs: AccessInputs) -> None:
        graph = sided.graph
        unsafe = np.any(list(sided.unsafe.arcs.values()), axis=0)
        self.sided, self.homes = sided, len(inputs.demand)
        self.length_m = np.where(sided.shut, np.inf, graph.length_m + _STEP_M + _UNSAFE_M * unsafe)
        self.net = graph.net
        self.home, self.home_row, self._site = sided.owners(inputs)
        self.owners = self.places(self.home)

    def places(self, ends: NDArray[np.int64]) -> Seeds:
        """Ways in; those that dash over an arterial are a little dearer."""
        seeds = self.sided.seeds(ends)
        return Seeds(seeds.edge, seeds.offset_m, seeds.leg_m + _UNSAFE_M * self.sided.dashes[ends])

    def to_sites(self, site_ids: set[str], limit_m: float) -> WalksToSites:
        """Walks to the nearest of some sites."""
        site = self._site[pd.Index(self.sided.names(self._site)).isin(site_ids)]
        seeds = self.places(site)
        ends, cost = _both_ends(self.net, self.length_m, seeds)
        starts = TreeStarts(np.zeros(len(ends), dtype=np.int64), ends, cost)
        trees = grow_trees(self.net, self.length_m, 0.0, starts, np.array([limit_m + 1.0]))
        return WalksToSites(self, site, seeds, trees)


@dataclass(frozen=True)
class WalksToSites:
    """Walks from every home to the nearest of some sites. `site`: their ways in, `seeds`: the same as places on arcs."""

    of: ShortestWalks
    site: NDArray[np.int64]
    seeds: Seeds
    trees: Trees

    def met(self, causes: tuple[str, ...]) -> NDArray[np.object_]:
        """What of some causes the walk of each home meets first: a crossing, or an edge over a barrier; None where nothing."""
        owners, place = self.of.owners, self._places(causes)
        at_home, at_site = (self._doors(ends, causes) for ends in (self.of.home, self.site))
        first = self._first_met(place, at_site)
        row = self.trees.rows(
            np.zeros(2 * len(owners), dtype=np.int64), _both_ends(self.of.net, self.of.length_m, owners)[0]
        )
        _, further = _both_ends(self.of.net, self.of.length_m, owners)
        walk = (np.append(self.trees.cost, np.inf)[row] + further).reshape(2, -1)
        beyond = np.append(first, NOTHING)[row].reshape(2, -1)
        met, best = np.where(walk[0] <= walk[1], *beyond), walk.min(axis=0)
        shared, way_in = _along_shared(owners, self.seeds)
        met = np.where(shared < best, np.append(at_site, NOTHING)[way_in], met)
        # who joins an arc that is itself left out, or dashes over the road before the door, meets that one first
        met = np.where(place[owners.edge] >= 0, place[owners.edge], met)
        met = np.where(at_home >= 0, at_home, met)
        found = np.full(self.of.homes, NOTHING, dtype=np.int64)
        order = np.lexsort((np.arange(len(met)), np.minimum(best, shared), self.of.home_row))[::-1]
        found[self.of.home_row[order]] = met[order]  # the shortest is written last
        graph = self.of.sided.graph
        names = np.concatenate([graph.crossing_id, graph.edge_id, [None]])  # of NOTHING: None
        return np.asarray(names[found], dtype=object)

    def _places(self, causes: tuple[str, ...]) -> NDArray[np.int64]:
        """What each arc is to walkers for whom some causes are left out: the number of a crossing, after these of an edge."""
        graph, arcs = self.of.sided.graph, self.of.sided.unsafe.arcs
        place = np.full(len(graph.tail), NOTHING, dtype=np.int64)
        for cause in causes:
            number = graph.crossing if cause == ARTERIAL else graph.edge + len(graph.crossing_id)
            place = np.where(arcs[cause], number, place)
        return place

    def _doors(self, ends: NDArray[np.int64], causes: tuple[str, ...]) -> NDArray[np.int64]:
        """The arterial before each door that is dashed over."""
        dashed = self.of.sided.dashes[ends] & (ARTERIAL in causes)
        return np.where(dashed, self.of.sided.ends.crossing[ends], NOTHING).astype(np.int64)

    def _first_met(self, place: NDArray[np.int64], at_site: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the walk from each node reached meets first."""
        trees, edge = self.trees, self.seeds.edge
        last = np.tile(np.where(place[edge] >= 0, place[edge], at_site), 2)
        met = np.where(trees.start >= 0, np.append(last, NOTHING)[trees.start], np.append(place, NOTHING)[trees.arc])
        onward = np.where(trees.parent >= 0, trees.parent, np.arange(len(met)))
        while True:
            met = np.where(met >= 0, met, met[onward])
            further = onward[onward]
            if np.array_equal(further, onward):
                return met
            onward = further


def _both_ends(
    net: ArcNet, length_m: NDArray[np.float64], seeds: Seeds
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nodes at both ends of each place's arc, tails first, and how far they are."""
    length = length_m[seeds.edge]
    ends = np.concatenate([net.tail[seeds.edge], net.head[seeds.edge]]).astype(np.int64)
    return ends, np.concatenate([seeds.offset_m + seeds.leg_m, length - seeds.offset_m + seeds.leg_m])


def _along_shared(owners: Seeds, seeds: Seeds) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Shortest way along a shared arc from each owner to a place, and which place; inf and the last row where none shares it."""
    order = np.argsort(seeds.edge, kind="stable")
    low, high = (np.searchsorted(seeds.edge[order], owners.edge, side) for side in ("left", "right"))
    owner = np.repeat(np.arange(len(owners)), high - low)
    other = order[spread(low, high - low)]
    way = np.abs(owners.offset_m[owner] - seeds.offset_m[other]) + owners.leg_m[owner] + seeds.leg_m[other]
    best, which = np.full(len(owners), np.inf), np.full(len(owners), len(seeds), dtype=np.int64)
    rank = np.lexsort((other, way, owner))[::-1]  # the nearest is written last
    best[owner[rank]], which[owner[rank]] = way[rank], other[rank]
    return best, which
