"""Graphs with sides, drawn by hand or by chance; plain ways to route on them: networkx, loops; lines of routes followed to the gate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

from xiqing_space.catalog import load_catalogue
from xiqing_space.crs import project_geometry
from xiqing_space.safety.ends import Ends
from xiqing_space.safety.route_lines import route_lines
from xiqing_space.safety.routes import SchoolWalks
from xiqing_space.safety.school_routes import RouteTables, SchoolRoutes
from xiqing_space.safety.sides import SidedGraph
from xiqing_space.safety.way_values import RouteSettings, WayValues, ways_in

CATALOGUE = load_catalogue()
SETTINGS = RouteSettings.of(CATALOGUE)
Arc = tuple[int, int, float, str | None, str | None]  # tail, head, length, edge, crossing


def draw_graph(
    corners: Sequence[tuple[str, int, float, float]], arcs: Sequence[Arc], share: dict[str, float] | None = None
) -> SidedGraph:
    """A graph from (node, corner, x, y) and arcs; an edge named twice has two lanes."""
    edges = sorted({arc[3] for arc in arcs if arc[3]})
    crossings = sorted({arc[4] for arc in arcs if arc[4]} | set(share or {}))
    lane = []
    for number, arc in enumerate(arcs):
        same = [other for other in range(len(arcs)) if arc[3] and arcs[other][3] == arc[3]]
        lane.append(0 if len(same) < 2 else 1 + same.index(number))
    return SidedGraph(
        np.array([one[0] for one in corners], dtype=object), np.array([one[1] for one in corners], dtype=np.int16),
        np.array([one[2:] for one in corners], dtype=float).reshape(-1, 2),
        *(np.array([arc[at] for arc in arcs], dtype=np.int32) for at in (0, 1)), np.array([arc[2] for arc in arcs], dtype=float),
        np.array([edges.index(arc[3]) if arc[3] else -1 for arc in arcs], dtype=np.int32), np.array(lane, dtype=np.int8),
        np.array([crossings.index(arc[4]) if arc[4] else -1 for arc in arcs], dtype=np.int32), np.array(edges, dtype=object),
        np.array(crossings, dtype=object), np.array([(share or {}).get(one, 1.0) for one in crossings], dtype=float),
    )  # fmt: skip


def score_ways(graph: SidedGraph, along: dict[str, float], cross: dict[str, float]) -> WayValues:
    """Scores by id; classes by the catalogue's bands of 3, 9, 24."""
    scores = np.array([along.get(one, 0.0) for one in graph.edge_id], dtype=float)
    return WayValues(
        scores, np.searchsorted([3.0, 9.0, 24.0], scores, side="right").astype(np.int8), np.full(len(scores), 0.5), np.zeros(len(scores)),
        np.array([cross.get(one, 0.0) for one in graph.crossing_id], dtype=float), np.ones(len(graph.crossing_id)),
    )  # fmt: skip


def join_ends(rows: Sequence[tuple[int, int, float, float, int, float]]) -> Ends:
    """Ways in from (link, arc, offset, leg, crossing, part)."""
    kinds = (np.int32, np.int32, float, float, np.int32, float)
    return Ends(*(np.array([row[at] for row in rows], dtype=kind) for at, kind in enumerate(kinds)))


def random_walks(seed: int, nodes: int = 30, homes: int = 12, schools: int = 3) -> SchoolWalks:
    """Corners at random places, each joined to its nearest and some others by streets with two sides, footpaths and crossings."""
    rng = np.random.default_rng(seed)
    place = np.round(rng.uniform(0, 1000, (nodes, 2)), 0)
    corners = [(f"n{node:03}", side, *place[node]) for node in range(nodes) for side in (0, 1)]
    arcs: list[Arc] = [(2 * node, 2 * node + 1, 0.0, None, f"x{node:03}") for node in range(nodes)]
    arcs += [(2 * node, 2 * node + 1, 0.0, None, f"y{node:03}") for node in range(0, nodes, 3)]
    near = np.argsort(np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1)), axis=1)
    pairs = sorted({tuple(sorted((node, int(other)))) for node in range(nodes) for other in near[node, 1:4]})
    for number, (a, b) in enumerate(pairs):
        length = round(float(np.hypot(*(place[a] - place[b]))) * rng.uniform(1.0, 1.3) + 0.001, 3)
        if rng.random() < 0.3:
            arcs.append((2 * a, 2 * b + 1, length, f"e{number:03}", f"over{number:03}" if rng.random() < 0.3 else None))
        else:
            arcs += [(2 * a + side, 2 * b + side, length, f"e{number:03}", None) for side in (0, 1)]
    shares = {f"x{node:03}": 0.5 for node in range(0, nodes, 5)} | {
        f"b{number:03}": 1.0 for number in range(len(pairs))
    }
    graph = draw_graph(corners, arcs, shares)
    along = {one: float(rng.choice([0.0, 1.0, 4.0, 12.0, 90.0])) for one in graph.edge_id}
    cross = {one: float(rng.choice([0.1, 2.0, 8.0, 30.0, 80.0])) for one in graph.crossing_id}
    rows, crossing = [], {one: row for row, one in enumerate(graph.crossing_id)}
    streets = np.flatnonzero((graph.edge >= 0) & (graph.crossing < 0))  # no door on a bridge
    for owner in range(homes + schools):
        for _ in range(int(rng.integers(1, 3))):
            edge = graph.edge[rng.choice(streets)]
            length = float(graph.length_m[streets[graph.edge[streets] == edge][0]])
            offset, leg = round(float(rng.uniform(0, length)), 3), round(float(rng.uniform(0, 50)), 3)
            lanes = streets[graph.edge[streets] == edge]
            parts = [0.0] if len(lanes) == 1 else [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)][int(rng.integers(3))]
            block = crossing[f"b{graph.edge_id[edge][1:]}"]
            rows += [
                (owner, int(arc), offset, leg, block if part else -1, part)
                for arc, part in zip(lanes, parts, strict=True)
            ]
    ends = join_ends(rows)
    owner = np.arange(homes + schools)
    return SchoolWalks(
        graph, ways_in(ends, np.where(owner < homes, owner, -1)), ways_in(ends, np.where(owner < homes, -1, owner - homes)),
        rng.uniform(0, 1000, (homes, 2)), SETTINGS, score_ways(graph, along, cross),
    )  # fmt: skip


def as_networkx(walks: SchoolWalks, part: float) -> nx.MultiDiGraph:
    """Corners, doors and places on arcs; homes are only left and schools only entered. Edges have cost and what they pass."""
    graph, values, rules = walks.graph, walks.values, walks.settings
    net = nx.MultiDiGraph()
    doors: dict[int, list[tuple[float, Any]]] = {}

    def over(crossing: int, share: float) -> float:
        return part * rules.beta_m * min(values.cross[crossing], rules.cross_cap) * graph.share[crossing] * share

    for name, ways in (("home", walks.homes), ("school", walks.schools)):
        for row in range(len(ways)):
            place, owner = (name, "place", row), (name, int(ways.owner[row]))
            crossing, share, leg = int(ways.crossing[row]), float(ways.part[row]), float(ways.leg_m[row])
            ends = (owner, place) if name == "home" else (place, owner)
            net.add_edge(*ends, cost=leg + (over(crossing, share) if share else 0.0), leg=leg, metres=0.0, edge=-1,
                         crossing=crossing if share else -1, part=share)  # fmt: skip
            doors.setdefault(int(ways.arc[row]), []).append((float(ways.offset_m[row]), place))
    for arc in range(len(graph.tail)):
        edge, crossing, length = int(graph.edge[arc]), int(graph.crossing[arc]), float(graph.length_m[arc])
        along = 1.0 + part * rules.alpha * min(values.along[edge], rules.along_cap) if edge >= 0 else 1.0
        ends = int(graph.tail[arc]), int(graph.head[arc])
        stops = [(0.0, ends[0]), *doors.get(arc, []), (length, ends[1])]
        for (a, one), (b, other) in itertools.permutations(stops, 2):
            whole = {one, other} == set(ends)
            cost = abs(b - a) * along + (over(crossing, 1.0) if whole and crossing >= 0 else 0.0)
            net.add_edge(
                one,
                other,
                cost=cost,
                metres=abs(b - a),
                leg=0.0,
                edge=edge,
                crossing=crossing if whole else -1,
                part=1.0,
            )
    return net


def assert_lines_fit(tables: RouteTables, found: SchoolRoutes, rows: pd.DataFrame, homes: list[str]) -> int:
    """Lines run from door to gate without a gap, as long as the route; no edge or crossing on them is worse than the worst link."""
    lines = route_lines(homes, found, tables)
    doors = tables.assignment.demand.set_index("demand_id")["geometry"]
    sites = tables.assignment.facilities.drop_duplicates("site_id").set_index("site_id")["geometry"]
    gates = tables.gates.drop_duplicates("gate_id").set_index("gate_id")["geometry"]
    values, graph = found.walks.values, found.walks.graph
    along, cross = (
        dict(zip(graph.edge_id, values.along, strict=True)),
        dict(zip(graph.crossing_id, values.cross, strict=True)),
    )
    known = rows.set_index(["demand_id", "school_id", "kind"])
    count = 0
    for key, mine in lines.groupby(["demand_id", "school_id", "kind"], sort=False):
        row = known.loc[key]
        drawn = project_geometry(mine.loc[mine["part"] != "crossing", "geometry"].to_numpy(), 4326, tables.metric_epsg)
        ends = [shapely.get_coordinates(one)[[0, -1]] for one in drawn]
        assert max((np.hypot(*(a[1] - b[0])) for a, b in itertools.pairwise(ends)), default=0.0) < 0.001
        last = gates[row["gate_id"]] if row["gate_id"] in gates.index else sites[key[1]]
        for place, end in ((doors[key[0]], ends[0][0]), (last, ends[-1][1])):
            assert (
                shapely.distance(project_geometry(np.array([place]), 4326, tables.metric_epsg)[0], shapely.Point(end))
                < 0.05
            )
        assert mine["metres"].sum() == pytest.approx(row["length_m"], abs=0.01)
        assert sum(shapely.length(drawn)) == pytest.approx(row["length_m"], abs=0.05 * len(drawn))
        streets = mine.loc[mine["part"] == "street", "edge_id"]
        assert max(along[one] for one in streets) == pytest.approx(row["worst_along"], abs=1e-4)
        assert along[row["worst_edge_id"]] == pytest.approx(row["worst_along"], abs=1e-4)
        passed = set(mine["crossing_id"].dropna())
        assert (row["worst_crossing_id"] in passed) == bool(passed)
        assert row["worst_cross"] <= max((cross[one] for one in passed), default=0.0) + 1e-4
        count += 1
    return count
