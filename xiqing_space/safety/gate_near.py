"""What lies near a school gate along the street: crossings, stretches of its own street; and the form in which findings are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.network.graph import WalkGraph, spread
from xiqing_space.network.pairs import Owned, PairSearch
from xiqing_space.network.reach import Seeds, reach_each
from xiqing_space.safety.gate_places import Places, Roads
from xiqing_space.safety.plausible import observed


@dataclass
class Found:
    """One rule at all gates.

    Attributes
    ----------
    measured : float64 (n,)
    about, source : object (n,)
        What was measured, and what the figure rests on.
    state : object (n,)
        met, short, not_asked, unknown or no_data.
    reason : object (n,)
        Why it is unknown.
    """

    measured: NDArray[np.float64]
    about: NDArray[np.object_]
    source: NDArray[np.object_]
    state: NDArray[np.object_]
    reason: NDArray[np.object_]

    @classmethod
    def nothing(cls, count: int, state: str = "unknown", reason: str | None = None) -> Found:
        """All gates alike, nothing measured."""
        empty = [np.full(count, value, dtype=object) for value in (None, None, state, reason)]
        return cls(np.full(count, np.nan), *empty)

    def put(
        self, rows: Any, state: str, measured: Any = np.nan, about: Any = None, source: str | None = None,
        reason: str | None = None,
    ) -> None:  # fmt: skip
        """Fill in some gates."""
        self.measured[rows], self.about[rows], self.source[rows] = measured, about, source
        self.state[rows], self.reason[rows] = state, reason


def told_crossings(crossings: pd.DataFrame, survey: pd.DataFrame) -> pd.DataFrame:
    """Crossings that somebody mapped, saw or keeps a guard at.

    `known`: whether what stops traffic there is known; `unclear`: mapped, and it is not.
    """
    known = observed(crossings, "control")
    mapped = crossings["mapped"].to_numpy(dtype=bool)
    asked = crossings["crossing_id"].isin(survey["item_id"]).to_numpy(dtype=bool)
    kept = known | mapped | observed(crossings, "guard") | asked
    return pd.DataFrame(crossings.assign(known=known, unclear=mapped & ~known)[kept]).sort_values(
        "crossing_id", ignore_index=True
    )


def crossings_near(places: Places, crossings: pd.DataFrame, roads: Roads, limit_m: float) -> pd.DataFrame:
    """Gate, crossing (rows) and distance along the street, the nearest first; a crossing on an edge is met at its ends."""
    graph = roads.walk
    node = pd.Index(graph.node_id).get_indexer(pd.Index(crossings["node_id"]))
    node[crossings["node_id"].isna().to_numpy(dtype=bool)] = -1
    at_node = np.flatnonzero(node >= 0)
    within = np.array([one.partition("/")[2] for one in crossings["crossing_id"]], dtype=object)
    edge = pd.Index(graph.edge_id).get_indexer(pd.Index(within))
    on_edge = np.flatnonzero((node < 0) & (edge >= 0))
    first = roads.seeds_at(graph, node[at_node].astype(np.int64))
    length = graph.length_m[edge[on_edge]]
    over = crossings["place"].eq("over").to_numpy(dtype=bool)[on_edge]
    seeds = Seeds(
        np.concatenate([first.edge, edge[on_edge], edge[on_edge]]).astype(np.int64),
        np.concatenate([first.offset_m, np.where(over, 0.0, length / 2), np.where(over, length, length / 2)]),
        np.zeros(len(at_node) + 2 * len(on_edge)),
    )
    owner = np.concatenate([at_node, on_edge, on_edge]).astype(np.int64)
    rows, own = places.on(graph, "walk")
    if not len(owner) or not len(rows):
        none = np.zeros(0, dtype=np.int64)
        return pd.DataFrame({"gate": none, "crossing": none, "distance_m": np.zeros(0)})
    pairs = PairSearch(graph, Owned(seeds, owner, len(crossings))).pairs(
        Owned(own, np.arange(len(rows)), len(rows)), limit_m
    )
    frame = pd.DataFrame({"gate": rows[pairs.site], "crossing": pairs.home, "distance_m": pairs.distance_m})
    return frame.sort_values(["gate", "distance_m", "crossing"], ignore_index=True)


def along_street(places: Places, graph: WalkGraph, within_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gate and edge of its street of which some part lies within a distance of the gate's foot, ordered."""
    rows, own = places.on(graph, "road")
    ends = np.concatenate([graph.u[own.edge], graph.v[own.edge]]).astype(np.int64)
    far = np.concatenate([own.offset_m, graph.length_m[own.edge] - own.offset_m])
    of = np.concatenate([rows, rows])
    start = np.flatnonzero(far < within_m)
    search, node, distance = reach_each(graph, ends[start], within_m)
    near = far[start][search] + distance < within_m
    gate, node = of[start][search][near], node[near]
    tail = np.concatenate([graph.u, graph.v])
    order = np.argsort(tail, kind="stable")
    indptr = np.searchsorted(tail[order], np.arange(graph.n_nodes + 1))
    many = indptr[node + 1] - indptr[node]
    edge = order[spread(indptr[node], many)] % max(len(graph.u), 1)
    both = np.unique(
        np.stack([np.concatenate([rows, np.repeat(gate, many)]), np.concatenate([own.edge, edge])], axis=1), axis=0
    )
    return both[:, 0], both[:, 1]


def groups(keys: NDArray[np.integer]) -> list[NDArray[np.int64]]:
    """Rows of each key, where the keys are ordered."""
    if not len(keys):
        return []
    return np.split(np.arange(len(keys)), np.flatnonzero(keys[1:] != keys[:-1]) + 1)


def says_yes(values: pd.Series) -> NDArray[np.bool_]:
    """Which answers of a field sheet say yes."""
    return np.asarray(values.astype(str).str.strip().str.lower().isin(("yes", "true", "1", "是")), dtype=bool)
