"""The ways to school of one run: who goes where and how, as the tables `school_routes`, `school_forest` and `pupil_flows`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.assignment import Assigned, AssignmentTables, assign_schools, children_of, walking_shares
from xiqing_space.safety.ends import attach_links
from xiqing_space.safety.forest import Pieces
from xiqing_space.safety.route_sums import sum_routes
from xiqing_space.safety.routes import Nearest, Routed, SchoolWalks, choose_routes, walk_shortest
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.safety.way_values import RouteSettings, WayValues, ways_in
from xiqing_space.safety.words import crossing_words, stretch_words
from xiqing_space.schemas.safety import TREES

NO_SCHOOL = "*"


@dataclass(frozen=True)
class RouteTables:
    """What routes are made from; tables of the run, EPSG:4326. `links`: those of the walking network, numbered from 0."""

    assignment: AssignmentTables
    links: pd.DataFrame
    gates: pd.DataFrame
    school_shares: pd.DataFrame
    crossings: pd.DataFrame
    streets: pd.DataFrame
    street_attributes: pd.DataFrame
    metric_epsg: int


@dataclass(frozen=True)
class SchoolRoutes:
    """Every home with its schools, and the routes of all pairs.

    Attributes
    ----------
    assigned : Assigned
        As the office's files, or distance, say it.
    rows : DataFrame
        One row per home and kind: `home`, `school`, `kind`, `assigned_by`, `reason`, `children`, `pair` (row of `home`, `school`
        and `routed`; -1 where there is no school).
    walks : SchoolWalks
    home, school : int64 (pairs,)
    routed : Routed
    sums : DataFrame
        Of `sum_routes`, a row per pair.
    nearest : Nearest
        The shortest walks of the pairs.
    """

    assigned: Assigned
    rows: pd.DataFrame
    walks: SchoolWalks
    home: NDArray[np.int64]
    school: NDArray[np.int64]
    routed: Routed
    sums: pd.DataFrame
    nearest: Nearest

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds in the order of the settings."""
        present = set(self.rows["kind"].unique().tolist())
        return tuple(kind for kind in self.walks.settings.kinds if kind in present)

    def pupils(self) -> NDArray[np.float64]:
        """Pupils of each pair by kind; float64 (pairs, kinds)."""
        weights = np.zeros((len(self.home), len(self.kinds)))
        mine = self.rows[self.rows["pair"] >= 0]
        kind = pd.Index(self.kinds).get_indexer(pd.Index(mine["kind"]))
        np.add.at(weights, (mine["pair"].to_numpy(dtype=np.int64), kind), mine["children"].to_numpy(dtype=float))
        return weights

    @cached_property
    def passing(self) -> list[tuple[str, Pieces, NDArray[np.float64], NDArray[np.bool_]]]:
        """For each tree: its pieces, the pupils of each kind who pass them, and whether anybody's route does."""
        weights = np.column_stack([self.pupils(), np.ones(len(self.home))])
        found = []
        for tree in TREES:
            if tree in self.routed.pieces:
                pieces = self.routed.pieces[tree]
                total = pieces.passing(weights)
                found.append((tree, pieces, total[:, :-1], total[:, -1] > 0))
        return found


def walks_of(
    tables: RouteTables, graph: SidedGraph, values: WayValues, site_id: NDArray[np.object_], settings: RouteSettings
) -> SchoolWalks:
    """Homes and schools joined to the graph: homes by row of `demand`, schools by row of `site_id`."""
    links, demand = tables.links, tables.assignment.demand
    ends = attach_links(links, graph)
    owner = links["owner_id"].to_numpy(dtype=object)
    of_home = (links["owner_type"] == "demand").to_numpy()
    rows = []
    for ids, mine in ((demand["demand_id"].to_numpy(dtype=object), of_home), (site_id, ~of_home)):
        row = np.full(len(links), -1, dtype=np.int64)
        row[mine] = pd.Index(ids).get_indexer(pd.Index(owner[mine]))
        rows.append(row)
    points = project_geometry(demand["geometry"].to_numpy(dtype=object), GEOGRAPHIC, tables.metric_epsg)
    return SchoolWalks(
        graph, ways_in(ends, rows[0]), ways_in(ends, rows[1]), shapely.get_coordinates(points), settings, values
    )


def route_pupils(tables: RouteTables, graph: SidedGraph, values: WayValues, catalogue: Catalogue) -> SchoolRoutes:
    """Route every child to its school.

    "All children walk" is assumed where pupils are counted: nobody knows who is driven.

    Parameters
    ----------
    tables : RouteTables
    graph : SidedGraph
        Of the walking network.
    values : WayValues
        Scores of its streets and crossings.
    catalogue : Catalogue
        With the configuration's settings of routes.
    """
    settings = RouteSettings.of(catalogue)
    assigned = assign_schools(tables.assignment, settings)
    walks = walks_of(tables, graph, values, assigned.site_id, settings)
    rows = assigned.rows
    pairs = rows.loc[rows["school"] >= 0, ["home", "school", "hint_m"]].drop_duplicates(["home", "school"])
    pairs = pairs.sort_values(["home", "school"], ignore_index=True)
    home, school = (pairs[name].to_numpy(dtype=np.int64) for name in ("home", "school"))
    nearest = walk_shortest(walks, home, school, pairs["hint_m"].to_numpy(dtype=float))
    size = max(len(assigned.site_id), 1)
    pair = pd.Index(home * size + school).get_indexer(
        pd.Index((rows["home"] * size + rows["school"]).to_numpy(dtype=np.int64))
    )
    rows = rows.assign(pair=np.where(rows["school"] >= 0, pair, -1))
    rows = _nearest_of_several(rows, nearest.length_m)
    wanted = np.zeros(len(home), dtype=bool)
    wanted[rows.loc[rows["pair"] >= 0, "pair"].to_numpy(dtype=np.int64)] = True
    nearest = replace(nearest, length_m=np.where(wanted, nearest.length_m, np.nan))
    routed = choose_routes(walks, home, school, nearest)
    sums = sum_routes(routed, walks, catalogue)
    rows = rows.assign(
        reason=_reasons(rows, tables.assignment.demand, walks, routed, nearest.apart),
        children=_children(rows, tables, assigned.site_id, catalogue),
    )
    return SchoolRoutes(assigned, rows, walks, home, school, routed, sums, nearest)


def _nearest_of_several(rows: pd.DataFrame, length_m: NDArray[np.float64]) -> pd.DataFrame:
    """One school per home and kind: of several the nearest on foot, else the first by id."""
    length = np.append(np.where(np.isnan(length_m), np.inf, length_m), np.inf)[rows["pair"].to_numpy(dtype=np.int64)]
    order = np.lexsort((rows["school"].to_numpy(), length))
    return rows.iloc[order].drop_duplicates(["home", "kind"]).sort_values(["home", "kind"], ignore_index=True)


def _reasons(
    rows: pd.DataFrame, demand: pd.DataFrame, walks: SchoolWalks, routed: Routed, apart: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Why there is no route; None where there is one."""
    pair = rows["pair"].to_numpy(dtype=np.int64)
    home, school = (rows[name].to_numpy(dtype=np.int64) for name in ("home", "school"))
    told = pair >= 0
    found: NDArray[np.object_] = rows["reason"].to_numpy(dtype=object).copy()
    missing = told & (np.append(routed.tree, -1)[pair] < 0)
    found[told] = None
    found[missing] = "beyond_route_limit"
    found[missing & np.append(apart, False)[pair]] = "unreachable"
    found[missing & (walks.schools.bounds(school)[1] == 0)] = "school_not_linked"
    found[missing & (walks.homes.bounds(home)[1] == 0)] = "home_not_linked"
    found[missing & ~demand["placed"].to_numpy(dtype=bool)[home]] = "home_not_placed"
    return found


def _children(
    rows: pd.DataFrame, tables: RouteTables, site_id: NDArray[np.object_], catalogue: Catalogue
) -> NDArray[np.float64]:
    """Pupils of each row who walk."""
    demand, walking = tables.assignment.demand, np.append(walking_shares(tables.school_shares, site_id), 1.0)
    home = rows["home"].to_numpy(dtype=np.int64)
    children = np.zeros(len(rows))
    for kind in rows["kind"].unique().tolist():
        mine = (rows["kind"] == kind).to_numpy()
        children[mine] = children_of(demand, kind, catalogue)[home[mine]]
    total: NDArray[np.float64] = children * walking[rows["school"].to_numpy(dtype=np.int64)]
    return total


def weight_kind_of(demand: pd.DataFrame) -> str:
    """Whether children are persons or relative weights; a run has one or the other."""
    return str(demand["weight_kind"].iloc[0]) if len(demand) else "relative"


def routes_table(routes: SchoolRoutes, tables: RouteTables, catalogue: Catalogue) -> pd.DataFrame:
    """The `school_routes` table (unsorted). Lines are drawn on request: see `route_lines`."""
    rows, demand, graph = routes.rows, tables.assignment.demand, routes.walks.graph
    pair, home = (rows[name].to_numpy(dtype=np.int64) for name in ("pair", "home"))
    one_more = routes.sums.reindex(np.arange(len(routes.sums) + 1))  # of no pair: all missing
    sums = one_more.iloc[pair].reset_index(drop=True)
    routed = np.append(routes.routed.tree >= 0, False)[pair]
    words = _words(routes, tables, catalogue)
    pace = {kind: min(catalogue.target_bands(kind), key=lambda band: band.ages).speed_m_s for kind in routes.kinds}
    gate = np.array([*routes.walks.schools.link.tolist(), -1], dtype=np.int64)
    ids = {
        "gate_id": (
            tables.links["gate_id"].to_numpy(dtype=object),
            gate[sums["gate"].fillna(-1).to_numpy(dtype=np.int64)],
        ),
        "worst_edge_id": (graph.edge_id, sums["worst_edge"].fillna(-1).to_numpy(dtype=np.int64)),
        "worst_crossing_id": (graph.crossing_id, sums["worst_crossing"].fillna(-1).to_numpy(dtype=np.int64)),
    }
    columns: dict[str, Any] = {name: _picked(values, np.where(routed, row, -1)) for name, (values, row) in ids.items()}
    for name in ("demand_id", "zone_id", "inside", "weight_kind"):
        columns[name] = demand[name].to_numpy(dtype=object)[home]
    sites = np.array([*routes.assigned.site_id, NO_SCHOOL], dtype=object)
    columns["school_id"] = sites[rows["school"].to_numpy(dtype=np.int64)]
    columns["walk_min"] = sums["length_m"].to_numpy() / 60.0 / rows["kind"].map(pace).to_numpy(dtype=float)
    columns["worst_zh"], columns["worst_en"] = (_picked(one, pair) for one in words)
    columns["acceptable"] = sums["acceptable"].fillna(False).to_numpy(dtype=bool)
    kept = sums.drop(columns=["gate", "worst_edge", "worst_crossing", "acceptable"])
    return pd.concat(
        [rows[["kind", "assigned_by", "children", "reason"]].reset_index(drop=True), kept, pd.DataFrame(columns)],
        axis=1,
    )


def _picked(values: NDArray[np.object_], rows: NDArray[np.int64]) -> NDArray[np.object_]:
    """Values of rows; None where the row is -1."""
    every = np.array([*values, None], dtype=object)
    return every[np.where(rows < 0, len(every) - 1, rows)]


def _words(
    routes: SchoolRoutes, tables: RouteTables, catalogue: Catalogue
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The worst link of each pair in words: its worst crossing, or the worst stretch where that scores more."""
    sums, graph = routes.sums, routes.walks.graph
    stretch = (sums["worst_along"] > sums["worst_cross"]).to_numpy() & (sums["worst_edge"] >= 0).to_numpy()
    over = ~stretch & (sums["worst_crossing"] >= 0).to_numpy()
    ids = np.full(len(sums), None, dtype=object)
    ids[stretch] = graph.edge_id[sums["worst_edge"].to_numpy()[stretch]]
    ids[over] = graph.crossing_id[sums["worst_crossing"].to_numpy()[over]]
    crossings, streets = tables.crossings, tables.streets
    told = crossing_words(crossings[crossings["crossing_id"].isin(set(ids[over]))], catalogue)
    edges = streets.loc[streets["edge_id"].isin(set(ids[stretch])), ["edge_id", "name", "ref", "highway"]]
    told |= stretch_words(edges.merge(tables.street_attributes, on="edge_id"), catalogue)
    none = (None, None)
    both = [told.get(one, none) if one is not None else none for one in ids.tolist()]
    zh, en = (np.array([one[at] for one in both], dtype=object) for at in (0, 1))
    return zh, en


def forest_table(routes: SchoolRoutes, weight_kind: str) -> pd.DataFrame:
    """The `school_forest` table (unsorted): at every corner that pupils of a school pass, what comes next."""
    graph, parts = routes.walks.graph, []
    for tree, pieces, passing, used in routes.passing:
        rows = np.flatnonzero((pieces.corner >= 0) & used)
        nothing = (pieces.edge[rows] < 0) & (pieces.crossing[rows] < 0)
        following = np.where(nothing, pieces.parent[rows], rows)  # the arc at the gate
        corner = pieces.corner[rows]
        parts.append(
            pd.DataFrame(
                {
                    "school_id": routes.assigned.site_id[pieces.school[rows]], "tree": tree, "node_id": graph.node_id[corner],
                    "corner": graph.corner[corner], "next_edge_id": _picked(graph.edge_id, pieces.edge[following]),
                    "next_crossing_id": _picked(graph.crossing_id, pieces.crossing[following]), "weight_kind": weight_kind,
                    "children": passing[rows].sum(axis=1),
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


@dataclass(frozen=True)
class Flows:
    """Pupils who pass an edge or crossing, by school: rows of the graph's ids, and children by kind (n, kinds)."""

    school: NDArray[np.int64]
    item: NDArray[np.int64]
    children: NDArray[np.float64]


def flows_of(routes: SchoolRoutes, what: str) -> Flows:
    """Pupils of each school on every edge, or over every crossing, each pupil once.

    A crossing before a door whose side of the street is not known counts half of those who may cross there.

    Parameters
    ----------
    what : {"edge", "crossing"}
    """
    keys, values = [], []
    graph = routes.walks.graph
    size = max(len(graph.edge_id if what == "edge" else graph.crossing_id), 1)
    for _, pieces, passing, used in routes.passing:
        item = np.where(pieces.metres > 0, pieces.edge, -1) if what == "edge" else pieces.crossing
        counted = np.flatnonzero((item >= 0) & used & ~pieces.passed_again(item))
        keys.append(pieces.school[counted] * size + item[counted])
        values.append(passing[counted] * (pieces.part[counted, None] if what == "crossing" else 1.0))
    if not keys:
        none = np.zeros(0, dtype=np.int64)
        return Flows(none, none, np.zeros((0, len(routes.kinds))))
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    every = np.concatenate(values)
    children = np.zeros((len(key), every.shape[1]))
    np.add.at(children, place, every)
    return Flows(key // size, key % size, children)


def flows_table(routes: SchoolRoutes, edges: Flows, crossings: Flows, weight_kind: str) -> pd.DataFrame:
    """The `pupil_flows` table (unsorted): all schools together, pupils of the buffer too. All children walk in it."""
    graph, parts = routes.walks.graph, []
    for what, flows, ids in (("edge", edges, graph.edge_id), ("crossing", crossings, graph.crossing_id)):
        order = np.lexsort((flows.school, flows.item))
        item, first = np.unique(flows.item[order], return_index=True)
        total = flows.children[order].sum(axis=1)
        names = routes.assigned.site_id[flows.school[order]].tolist()
        ends = [*first.tolist()[1:], len(order)]
        parts.append(
            pd.DataFrame(
                {
                    "item_id": ids[item], "item_type": what, "weight_kind": weight_kind,
                    "children": np.add.reduceat(total, first) if len(first) else np.zeros(0),
                    "school_ids": ["|".join(names[low:high]) for low, high in zip(first.tolist(), ends, strict=False)],
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
