"""Closed gates as works: whose way to school gets safer where one of them is opened at school hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.safety.ends import Ends, attach_links
from xiqing_space.safety.legs import joined
from xiqing_space.safety.routes import walk_shortest
from xiqing_space.safety.school_routes import SchoolRoutes
from xiqing_space.safety.sides import LEFT, RIGHT, SidedGraph
from xiqing_space.safety.way_values import WaysIn, ways_in
from xiqing_space.safety.work_effects import NO_EFFECTS, Effects, route_again


def try_openings(
    routes: SchoolRoutes, links: pd.DataFrame, demand: pd.DataFrame, catalogue: Catalogue
) -> list[tuple[str, Effects]]:
    """What opening each closed gate does, one at a time; every pupil concerned chooses the route anew.

    A compound's gate is opened for its own homes, a school's for everybody. Nobody has asked why the gate is closed. Gates of different
    compounds concern different pupils, and so do gates of different schools: they are tried together.

    Parameters
    ----------
    routes : SchoolRoutes
    links : DataFrame
        `access_links` of the walking network over the closed gates alone, linked ones.
    demand : DataFrame
        In the order of the routes' homes, with `compound_id`.
    catalogue : Catalogue

    Returns
    -------
    list of (gate_id, Effects)
        By gate; those that help nobody are left out.
    """
    links = links.reset_index(drop=True)
    of_home = (links["owner_type"] == "demand").to_numpy()
    compound = demand.set_index("demand_id")["compound_id"].reindex(links["owner_id"]).to_numpy(dtype=object)
    owner = np.where(of_home, compound, links["owner_id"].to_numpy(dtype=object))
    gates = pd.DataFrame({"home": of_home, "owner": owner, "gate": links["gate_id"].to_numpy(dtype=object)})
    each = gates.drop_duplicates().sort_values(["home", "owner", "gate"], ignore_index=True)
    each["turn"] = each.groupby(["home", "owner"]).cumcount()
    turn = gates.merge(each, on=["home", "owner", "gate"])
    ends = ways_over(links, routes.walks.graph)
    parts = []
    for (home, number), group in turn.groupby(["home", "turn"]):
        mine = ((turn["home"] == home) & (turn["turn"] == number)).to_numpy()
        parts += _try(routes, links, ends, mine, group, demand["demand_id"].to_numpy(dtype=object), catalogue)
    if not parts:
        return []
    found = pd.concat(parts).groupby(["gate", "pair"], sort=True).max().reset_index()
    return [
        (str(gate), Effects(np.zeros(len(one), dtype=np.int64), *(one[name].to_numpy() for name in ("pair", "removed", "acceptable"))))
        for gate, one in found.groupby("gate", sort=True)
    ]  # fmt: skip


def _try(
    routes: SchoolRoutes,
    links: pd.DataFrame,
    ends: Ends,
    mine: NDArray[np.bool_],
    gates: pd.DataFrame,
    demand_id: NDArray[np.object_],
    catalogue: Catalogue,
) -> list[pd.DataFrame]:
    """Some gates opened together, none of which concerns another one's pupils: `gate, pair, removed, acceptable`."""
    walks, home = routes.walks, bool(gates["home"].iloc[0])
    ids = demand_id if home else routes.assigned.site_id
    row = np.where(mine, pd.Index(ids).get_indexer(pd.Index(links["owner_id"])), -1)
    gate_of = np.full(len(ids) + 1, None, dtype=object)
    gate_of[row[mine]] = links["gate_id"].to_numpy(dtype=object)[mine]
    gate_of[-1] = None
    concerned = gate_of[routes.home if home else routes.school]
    pairs = np.flatnonzero(pd.notna(concerned) & (routes.routed.tree >= 0))
    if not len(pairs):
        return []
    new = ways_in(ends, row)
    opened = (
        replace(walks, homes=_with(walks.homes, new)) if home else replace(walks, schools=_with(walks.schools, new))
    )
    nearest = walk_shortest(opened, routes.home[pairs], routes.school[pairs], routes.routed.shortest_m[pairs])
    again = route_again(routes, opened, nearest, pairs, NO_EFFECTS, catalogue)
    return [
        pd.DataFrame(
            {
                "gate": concerned[again.pair],
                "pair": again.pair,
                "removed": again.removed,
                "acceptable": again.acceptable,
            }
        )
    ]


def ways_over(links: pd.DataFrame, graph: SidedGraph) -> Ends:
    """Ways over new gates, by row of `links`. Where no crossing before the door is known, the gate leads to its own side alone."""
    edge = links["edge_id"].to_numpy(dtype=object)
    row = pd.Index(graph.edge_id).get_indexer(pd.Index(edge))
    arc_of = np.full((len(graph.edge_id) + 1, 3), -1, dtype=np.int32)  # the last: of edges that the graph does not have
    arcs = np.flatnonzero(graph.edge >= 0)
    arc_of[graph.edge[arcs], graph.lane[arcs]] = arcs
    two = (arc_of[row][:, [LEFT, RIGHT]] >= 0).all(axis=1)
    untold = two & ~np.isin(joined("block", edge), graph.crossing_id)
    plain, rest = np.flatnonzero(~untold), np.flatnonzero(untold)
    known = attach_links(links.iloc[plain], graph)
    side = links["side"].to_numpy(dtype=object)[rest]
    at, lane = np.nonzero(np.stack([(side == name) | pd.isna(side) for name in ("left", "right")], axis=1))
    link = np.concatenate([plain[known.link], rest[at]])
    order = np.argsort(link, kind="stable")
    link = link[order]
    more = len(at)
    return Ends(
        link.astype(np.int32),
        np.concatenate([known.arc, arc_of[row[rest[at]], np.array([LEFT, RIGHT])[lane]]])[order],
        links["offset_m"].to_numpy(dtype=np.float64)[link],
        links["leg_m"].to_numpy(dtype=np.float64)[link],
        np.concatenate([known.crossing, np.full(more, -1, dtype=np.int32)])[order],
        np.concatenate([known.part, np.zeros(more)])[order],
    )


def _with(old: WaysIn, new: WaysIn) -> WaysIn:
    """Ways as they are and new ones, by owner."""
    both = {name: np.concatenate([getattr(one, name) for one in (old, new)]) for name in
            ("owner", "link", "arc", "offset_m", "leg_m", "crossing", "part")}  # fmt: skip
    order: NDArray[np.int64] = np.argsort(both["owner"], kind="stable")
    return WaysIn(**{name: one[order] for name, one in both.items()})
