"""What each street and crossing of the graph with sides counts for, and what a route over it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.errors import TableError
from xiqing_space.network.trees import ArcNet
from xiqing_space.safety.ends import Ends
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.schemas.safety import RISKS

# Lengths are whole millimetres, so this much of the danger only decides between ways of one length.
TIES = 1e-9


@dataclass(frozen=True)
class RouteSettings:
    """What routes are searched and judged by; see `[routes]` of catalog/safety.toml."""

    kinds: tuple[str, ...]
    alpha: float
    beta_m: float
    along_cap: float
    cross_cap: float
    between: float
    detour_max: float
    max_route_m: float
    unknown_level: bool

    @classmethod
    def of(cls, catalogue: Catalogue, given: Mapping[str, Any] | None = None) -> RouteSettings:
        """The catalogue's values, and those of a configuration where it gives some."""
        stated = {key: value for key, value in (given or {}).items() if value is not None}
        chosen = catalogue.safety["routes"] | stated
        values = {field.name: chosen[field.name] for field in fields(cls)}
        return cls(**(values | {"kinds": tuple(values["kinds"])}))


@dataclass(frozen=True)
class WayValues:
    """Scores by edge and by crossing of a graph with sides.

    Attributes
    ----------
    along : float64 (e,)
        Score along each edge.
    risk : int8 (e,)
        Its class, as a place in `RISKS`.
    defaulted : float64 (e,)
        Share of its core attributes that rest on defaults.
    water : float64 (e,)
        Share of its length beside open water.
    cross, cross_defaulted : float64 (c,)
        The same of each crossing; `cross` of the whole crossing where it is one half of two.
    """

    along: NDArray[np.float64]
    risk: NDArray[np.int8]
    defaulted: NDArray[np.float64]
    water: NDArray[np.float64]
    cross: NDArray[np.float64]
    cross_defaulted: NDArray[np.float64]


def read_values(
    graph: SidedGraph, segment_scores: pd.DataFrame, crossing_scores: pd.DataFrame, water: Mapping[str, float]
) -> WayValues:
    """The scores of the two tables in the order of the graph.

    Parameters
    ----------
    segment_scores, crossing_scores : DataFrame
        The tables.
    water : mapping of edge_id to float
        Share of the edge beside open water; edges that are not named have none.

    Raises
    ------
    TableError
        An edge or crossing of the graph has no score.
    """
    edges = _in_order(segment_scores, "edge_id", graph.edge_id)
    crossings = _in_order(crossing_scores, "crossing_id", graph.crossing_id)
    risk = pd.Index(RISKS).get_indexer(pd.Index(edges["risk"])).astype(np.int8)
    return WayValues(
        edges["along"].to_numpy(dtype=float), risk, edges["share_defaulted"].to_numpy(dtype=float),
        np.array([water.get(edge, 0.0) for edge in graph.edge_id.tolist()], dtype=float),
        crossings["cross"].to_numpy(dtype=float), crossings["share_defaulted"].to_numpy(dtype=float),
    )  # fmt: skip


def _in_order(scores: pd.DataFrame, key: str, ids: NDArray[np.object_]) -> pd.DataFrame:
    rows = pd.Index(scores[key]).get_indexer(pd.Index(ids))
    if (rows < 0).any():
        raise TableError(f"no score for this {key}", first=[str(one) for one in ids[rows < 0][:5]])
    return scores.iloc[rows]


@dataclass(frozen=True)
class WaysIn:
    """Ways of owners on to arcs, ordered by owner: see `Ends`. `owner` counts homes or schools, `link` rows of the links."""

    owner: NDArray[np.int64]
    link: NDArray[np.int64]
    arc: NDArray[np.int64]
    offset_m: NDArray[np.float64]
    leg_m: NDArray[np.float64]
    crossing: NDArray[np.int64]
    part: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.owner)

    def bounds(self, owners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First row of each owner and how many there are."""
        low = np.searchsorted(self.owner, owners, "left")
        return low, np.searchsorted(self.owner, owners, "right") - low


def ways_in(ends: Ends, owner: NDArray[np.int64]) -> WaysIn:
    """The ways of some links' owners.

    Parameters
    ----------
    ends : Ends
        Of all links.
    owner : int64 (links,)
        Number of each link's owner; -1: left out.
    """
    mine = owner[ends.link]
    order = np.lexsort((np.arange(len(mine)), mine))
    order = order[mine[order] >= 0]
    return WaysIn(
        mine[order], *(np.asarray(getattr(ends, name))[order].astype(kind) for name, kind in (
            ("link", np.int64), ("arc", np.int64), ("offset_m", float), ("leg_m", float), ("crossing", np.int64), ("part", float)
        )))  # fmt: skip


@dataclass(frozen=True)
class Prices:
    """What a route costs, in metres: of each metre of an arc, and of each crossing (the last: of none)."""

    graph: SidedGraph
    per_m: NDArray[np.float64]
    over: NDArray[np.float64]

    @cached_property
    def arc(self) -> NDArray[np.float64]:
        """Cost of each whole arc."""
        cost: NDArray[np.float64] = self.graph.length_m * self.per_m + self.over[self.graph.crossing]
        return cost

    @cached_property
    def straightest(self) -> float:
        """No arc costs less than this times the straight line between its ends."""
        graph = self.graph
        straight = np.hypot(*(graph.xy[graph.tail] - graph.xy[graph.head]).T)
        far = straight > 1e-6
        return float(min(1.0, (self.arc[far] / straight[far]).min())) if far.any() else 1.0

    def leg(self, ways: WaysIn) -> NDArray[np.float64]:
        """Cost between each owner and its arc."""
        cost: NDArray[np.float64] = ways.leg_m + self.over[ways.crossing] * ways.part
        return cost


def price_of(graph: SidedGraph, values: WayValues, settings: RouteSettings, part: float) -> Prices:
    """Length · (1 + α · along) + β · cross, both capped; of α and β only a part (`TIES`: the shortest way).

    α and β are the catalogue's proposal for how far a family would go round, not an observed choice.
    """
    along = np.minimum(values.along, settings.along_cap) * (settings.alpha * part)
    cross = np.minimum(values.cross, settings.cross_cap) * (settings.beta_m * part) * graph.share
    walked = graph.edge >= 0
    per_m = np.ones(len(graph.edge))
    per_m[walked] += along[graph.edge[walked]]
    return Prices(graph, per_m, np.append(cross, 0.0))


def net_of(graph: SidedGraph) -> ArcNet:
    """The graph as a net to search."""
    return graph.net
