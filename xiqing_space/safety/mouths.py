"""Which crossing is paid where: at the mouths of junctions' legs, and at nodes of two legs where a road is crossed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.legs import Legs, Passages
from xiqing_space.safety.lines import first_of
from xiqing_space.safety.score import facility_factor


@dataclass(frozen=True)
class Mouths:
    """Places where a road is crossed, and by which crossing: a row of the mapped ones, or -1 - end for that of a leg itself.

    Attributes
    ----------
    leg : int32 (k,)
        Legs of junctions (3 legs and more) where somebody walks.
    leg_code : int64 (k,)
    node : int32 (j,)
        Nodes of two legs where a footway meets the road, or that are mapped as a crossing.
    node_code : int64 (j,)
    """

    leg: NDArray[np.int32]
    leg_code: NDArray[np.int64]
    node: NDArray[np.int32]
    node_code: NDArray[np.int64]

    @property
    def own(self) -> NDArray[np.int64]:
        """Ends of legs that have a crossing of their own, sorted."""
        codes = np.concatenate([self.leg_code, self.node_code])
        return np.unique(-1 - codes[codes < 0])


def size_rank(highway: NDArray[np.object_], attributes: pd.DataFrame, catalogue: Catalogue) -> NDArray[np.int64]:
    """Place of each edge from the largest road to the smallest: by class, lanes, speed, id."""
    order = {name: place for place, name in enumerate(catalogue.safety["roads"]["order"])}
    level = pd.Series(highway).map(order).fillna(len(order)).to_numpy()
    lanes, speed = (attributes[name].to_numpy(dtype=np.float64) for name in ("lanes_total", "speed_kmh"))
    rank = np.empty(len(level), dtype=np.int64)
    rank[np.lexsort((np.arange(len(level)), -speed, -lanes, level))] = np.arange(len(level))
    return rank


def largest_leg(legs: Legs, nodes: NDArray[np.integer], rank: NDArray[np.int64]) -> NDArray[np.int32]:
    """Leg of the largest road at each node; nodes without legs are not asked for."""
    ends, of = legs.ends_at(nodes)
    largest: NDArray[np.int32] = ends[first_of(of, rank[ends >> 1], ends)]
    return largest


def facility_factors(frame: pd.DataFrame, catalogue: Catalogue) -> NDArray[np.float64]:
    """Factor of control, island and raised table of crossings: the lower, the better it is to have it."""
    return facility_factor(frame["control"], frame["island"], frame["raised"], catalogue.safety["factors"])


def find_mouths(
    legs: Legs, passages: Passages, mapped_node: NDArray[np.integer], mapped_factor: NDArray[np.float64],
    rank: NDArray[np.int64],
) -> Mouths:  # fmt: skip
    """Where roads are crossed, and by which crossing.

    A mapped crossing along a junction's leg within the passages' reach is the junction's crossing of that leg; of several the
    best one, then the nearest. A footway's crossing within that reach is the nearest junction's too, so that whoever crosses
    the mouth on a sidewalk drawn apart pays the same.

    Parameters
    ----------
    legs : Legs
    passages : Passages
        `follow_legs`.
    mapped_node : int (m,)
        Nodes of the mapped crossings, in id order.
    mapped_factor : float64 (m,)
        `facility_factors`.
    rank : int64 (e,)
        `size_rank`.
    """
    mapped_at = np.full(len(legs.node_id), -1, dtype=np.int64)
    mapped_at[mapped_node] = np.arange(len(mapped_node))
    code = -1 - np.arange(len(legs.node), dtype=np.int64)
    near = mapped_at[passages.node]
    on = np.flatnonzero(near >= 0)
    best = on[first_of(passages.node_leg[on], mapped_factor[near[on]], np.round(passages.node_m[on], 3), near[on])]
    code[passages.node_leg[best]] = near[best]
    two = np.flatnonzero((legs.count == 2) & legs.walked & (legs.footway | (mapped_at >= 0)))
    at = np.zeros(len(legs.node_id), dtype=np.int64)
    at[two] = -1 - largest_leg(legs, two, rank).astype(np.int64)
    nearest = first_of(passages.node, np.round(passages.node_m, 3), passages.node_leg)
    at[passages.node[nearest]] = code[passages.node_leg[nearest]]
    node_code = np.where(mapped_at[two] >= 0, mapped_at[two], at[two])
    leg = legs.around[(legs.count >= 3)[legs.node[legs.around]] & legs.walked[legs.node[legs.around]]]
    return Mouths(leg, code[leg], two.astype(np.int32), node_code)
