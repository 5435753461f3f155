"""Footbridges and underpasses: footways that pass over or under a road in plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xiqing_space.crs import COORDINATE_DIGITS
from xiqing_space.safety.legs import Legs
from xiqing_space.safety.lines import first_of


@dataclass(frozen=True)
class OverRoads:
    """Footways on a bridge or in a tunnel that cross a road in plan, in id order.

    Attributes
    ----------
    edge : int64 (k,)
        Row of the footway's edge.
    road : int64 (k,)
        Row of the largest road's edge.
    road_edge_ids : object (k,)
        All of them, joined by |.
    both : bool (k,)
        Whether it crosses several edges: both carriageways of a road, say.
    lonlat : float64 (k, 2)
        Where it crosses the largest one, degrees.
    step_free : bool (k,)
        Whether the ground is reached without steps on both sides.
    """

    edge: NDArray[np.int64]
    road: NDArray[np.int64]
    road_edge_ids: NDArray[np.object_]
    both: NDArray[np.bool_]
    lonlat: NDArray[np.float64]
    step_free: NDArray[np.bool_]


def find_over(legs: Legs, streets: pd.DataFrame, rank: NDArray[np.int64]) -> OverRoads:
    """Footbridges and underpasses of the `streets` table.

    Parameters
    ----------
    legs : Legs
    streets : DataFrame
        Columns bridge, tunnel, pram, geometry.
    rank : int64 (e,)
        `size_rank` of the edges.
    """
    lifted = (streets["bridge"].to_numpy(dtype=bool) | streets["tunnel"].to_numpy(dtype=bool))[legs.row]
    lifted &= legs.walk & ~legs.road
    foot, roads = np.flatnonzero(lifted), np.flatnonzero(legs.road)
    lines = np.asarray(streets["geometry"], dtype=object)
    # edges are cut where they share a node, so lines that cross have none there
    road, way = shapely.STRtree(lines[legs.row[foot]]).query(lines[legs.row[roads]], predicate="crosses")
    road, way = roads[road], foot[way]
    order = np.lexsort((road, way))
    road, way = road[order], way[order]
    best = first_of(way, rank[road], road)
    edge = way[best]
    meeting = shapely.intersection(lines[legs.row[edge]], lines[legs.row[road[best]]])
    place = shapely.get_coordinates(shapely.point_on_surface(meeting)).reshape(-1, 2)
    texts = pd.Series(legs.edge_id[road]).groupby(way).agg("|".join) if len(way) else pd.Series([], dtype=object)
    return OverRoads(edge, road[best], texts.to_numpy(dtype=object), np.bincount(way, minlength=len(lifted))[edge] > 1,
                     np.round(place, COORDINATE_DIGITS), _step_free(legs, streets, lifted)[edge])  # fmt: skip


def _step_free(legs: Legs, streets: pd.DataFrame, lifted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the deck that an edge belongs to, steps left out, comes to the ground at two nodes and more."""
    pram = streets["pram"].to_numpy(dtype=bool)[legs.row]
    deck, ground = np.flatnonzero(lifted & pram), np.flatnonzero(~lifted & pram)
    u, v = legs.node[2 * deck], legs.node[2 * deck + 1]
    nodes = len(legs.node_id)
    part = connected_components(coo_array((np.ones(len(deck)), (u, v)), shape=(nodes, nodes)), directed=False)[1]
    stands = np.unique(legs.node[np.concatenate([2 * ground, 2 * ground + 1])])
    contacts = np.bincount(part[stands], minlength=nodes + 1)
    result = np.zeros(len(lifted), dtype=bool)
    result[deck] = contacts[part[u]] >= 2
    return result
