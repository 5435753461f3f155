"""Ways from homes and sites on to the graph with sides: the own side free, the other one over the road before the door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.errors import TableError
from xiqing_space.safety.legs import joined
from xiqing_space.safety.sides import LEFT, OWN, RIGHT, SidedGraph

OWN_SIDE, UNKNOWN_SIDE, OTHER_SIDE = 0.0, 0.5, 1.0  # part of the crossing before the door


@dataclass(frozen=True)
class Ends:
    """Ways in, by link and arc; a link whose edge the graph does not have has none.

    Attributes
    ----------
    link : int32 (k,)
        Row of the link, as given.
    arc : int32 (k,)
        Row of the arc that it joins.
    offset_m : float64 (k,)
        Place on it, from its tail.
    leg_m : float64 (k,)
        Length from the owner to it.
    crossing : int32 (k,)
        Crossing on the way in; -1 where none.
    part : float64 (k,)
        How much of it: 0 on the own side, 1 on the other, 0.5 where the side is not known.
    """

    link: NDArray[np.int32]
    arc: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    leg_m: NDArray[np.float64]
    crossing: NDArray[np.int32]
    part: NDArray[np.float64]


def attach_links(links: pd.DataFrame, graph: SidedGraph) -> Ends:
    """Ways of links on to the arcs of their edges.

    The side is where the straight leg comes from: whether there is a door on that side, the map does not say.

    Parameters
    ----------
    links : DataFrame
        `access_links` of the graph's profile: columns edge_id, offset_m, leg_m, side, linked.
    graph : SidedGraph

    Raises
    ------
    TableError
        The graph's crossings were found for other links.

    Notes
    -----
    A link on a carriageway's closed inner side joins the outer side free: it only was the nearest line.
    """
    arc_of = np.full((len(graph.edge_id), 3), -1, dtype=np.int32)
    along = np.flatnonzero(graph.edge >= 0)
    arc_of[graph.edge[along], graph.lane[along]] = along
    row = np.flatnonzero(links["linked"].to_numpy(dtype=bool))
    edge = pd.Index(graph.edge_id).get_indexer(pd.Index(links["edge_id"].to_numpy(dtype=object)[row]))
    row, edge = row[edge >= 0], edge[edge >= 0]
    side = links["side"].to_numpy(dtype=object)[row]
    there = arc_of[edge] >= 0
    one_sided = ~(there[:, LEFT] & there[:, RIGHT])
    part = np.full((len(row), 3), UNKNOWN_SIDE)
    for name, own, other in (("left", LEFT, RIGHT), ("right", RIGHT, LEFT)):
        here = side == name
        part[here, own], part[here, other] = OWN_SIDE, OTHER_SIDE
    part[one_sided] = OWN_SIDE
    part[:, OWN] = OWN_SIDE
    block = pd.Index(graph.crossing_id).get_indexer(pd.Index(joined("block", graph.edge_id[edge])))
    lost = (block < 0) & there[:, LEFT] & there[:, RIGHT]
    if lost.any():
        raise TableError("crossings lack roads before doors", first=graph.edge_id[edge[lost]][:5].tolist())
    way, lane = np.nonzero(there)
    paid = part[way, lane]
    link = row[way]
    order = np.lexsort((arc_of[edge[way], lane], link))
    way, lane, paid, link = way[order], lane[order], paid[order], link[order]
    return Ends(
        link.astype(np.int32), arc_of[edge[way], lane], links["offset_m"].to_numpy(dtype=np.float64)[link],
        links["leg_m"].to_numpy(dtype=np.float64)[link], np.where(paid > 0, block[way], -1).astype(np.int32), paid,
    )  # fmt: skip
