"""Links: from every home and site into the network, one per way in and profile (`access_links`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.network.graph import WalkGraph, rows_of
from xiqing_space.network.reach import Seeds
from xiqing_space.texts import among

LINK_LIMIT_M = 250.0  # past this there is no link
_RINGS_M = (20.0, 50.0, 100.0, LINK_LIMIT_M)
TOUCH_M = 0.001  # a leg that only touches a barrier does not cross it
_AT_ONCE = 1000  # legs tested together: what a processor keeps at hand
DIGITS = 3  # offsets and legs are rounded here, so that searches and the table hold the same numbers


class Segments:
    """Barriers as single segments, metric: a tree over their boxes, and the crossing test itself in numpy.

    A general predicate on whole coastlines and walls costs tens of times more.
    """

    def __init__(self, shapes: Any) -> None:
        coords, line = shapely.get_coordinates(shapely.get_parts(shapely.get_parts(shapes)), return_index=True)
        pairs = np.flatnonzero(line[1:] == line[:-1])
        self.a, self.b = coords[pairs], coords[pairs + 1]
        self.tree = shapely.STRtree(shapely.linestrings(np.stack([self.a, self.b], axis=1)) if len(pairs) else [])
        self._ends = _columns(np.concatenate([self.a, self.b], axis=1))
        self._length = np.maximum(np.hypot(*(self.b - self.a).T), 1e-9)

    def crossed_by(self, legs: Any) -> NDArray[np.bool_]:
        """Whether each two-point leg passes from one side of a segment to the other; an end that touches does not count."""
        crossed = np.zeros(len(legs), dtype=bool)
        if len(self._length):
            for at in range(0, len(legs), _AT_ONCE):
                self._cross(legs[at : at + _AT_ONCE], crossed[at : at + _AT_ONCE])
        return crossed

    def _cross(self, legs: Any, crossed: NDArray[np.bool_]) -> None:
        leg, segment = self.tree.query(legs)
        own = _columns(shapely.get_coordinates(legs).reshape(-1, 4))
        a, b = _of(self._ends[:2], segment), _of(self._ends[2:], segment)
        p, q = _of(own[:2], leg), _of(own[2:], leg)
        length = self._length[segment]
        from_p, from_q = _turn(a, b, p) / length, _turn(a, b, q) / length
        apart = np.flatnonzero((from_p * from_q < 0) & (np.minimum(np.abs(from_p), np.abs(from_q)) > TOUCH_M))
        leg, a, b, p, q = leg[apart], _of(a, apart), _of(b, apart), _of(p, apart), _of(q, apart)  # few are left
        crossed[leg[_turn(p, q, a) * _turn(p, q, b) <= 0]] = True


def _columns(places: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Each column for itself: numbers side by side are fetched in half the time."""
    return [np.ascontiguousarray(column) for column in places.T]


def _of(columns: Sequence[NDArray[np.float64]], rows: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Some rows of columns."""
    return [column[rows] for column in columns]


def _turn(
    a: Sequence[NDArray[np.float64]], b: Sequence[NDArray[np.float64]], c: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Twice the signed area of the triangles a b c, whose x and y are columns."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@dataclass(frozen=True)
class Barriers:
    """What a leg may not cross. `hard`: water, rail, motorway. `walls`: walls and compounds' outlines."""

    hard: Segments
    walls: Segments


def read_barrier_lines(barriers: pd.DataFrame, compounds: pd.DataFrame, metric_epsg: int) -> Barriers:
    """Barriers of the `barriers` and `compounds` tables. Those carried on a bridge stop nobody on the ground."""
    ground = barriers[~barriers["bridge"].to_numpy(dtype=bool)]
    shapes = project_geometry(ground["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    wall = (ground["barrier"] == "wall").to_numpy()
    outlines = shapely.boundary(project_geometry(compounds["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))
    return Barriers(Segments(shapes[~wall]), Segments(np.concatenate([shapes[wall], outlines])))


def starting_points(
    demand: pd.DataFrame, facilities: pd.DataFrame, gates: pd.DataFrame, metric_epsg: int,
    shut: frozenset[str] = frozenset(),
) -> pd.DataFrame:  # fmt: skip
    """Every place where a link starts: the home or site itself, or each gate of its compound or ground.

    Homes of compounds in `shut`, whose gates were all found closed, have none: their walks are unknown.

    Returns
    -------
    DataFrame
        `owner_type, owner_id, gate_id, resolved_by`, `point` (metric: the gate), `inner_m` (owner to gate, straight).
        Ordered by owner and gate.
    """
    demand = demand[demand["placed"].to_numpy(dtype=bool)]  # people whose home nobody knows have no way out of it
    homes = project_geometry(demand["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    own = pd.DataFrame({"owner_id": demand["demand_id"].array, "compound": demand["compound_id"].array, "home": homes})
    gate_points = project_geometry(gates["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    ways = gates[["gate_id", "owner_id", "owner_type", "resolved_by", "through"]].assign(point=gate_points)
    compound = (
        ways[ways["owner_type"] == "compound"].drop(columns="owner_type").rename(columns={"owner_id": "compound"})
    )
    known = among(own["compound"], compound["compound"])
    plain = own[~known & ~among(own["compound"], list(shut))]
    plain = plain.assign(gate_id=plain["owner_id"], resolved_by="point", point=plain["home"])
    through = own[known].merge(compound, on="compound")
    parts = [frame.assign(owner_type="demand") for frame in (plain, through)]
    sites = facilities.drop_duplicates("site_id")
    site_points = project_geometry(sites["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    own_sites = pd.DataFrame({"owner_id": sites["site_id"].array, "home": site_points})
    site_ways = ways[ways["owner_type"] == "site"].merge(own_sites, on="owner_id")
    # whoever reaches the gate of a ground has arrived; a site inside a compound still lies behind its gate
    behind = site_ways["through"].notna().to_numpy()
    parts.append(site_ways)
    columns = ["owner_type", "owner_id", "gate_id", "resolved_by", "point", "home"]
    result = pd.concat([part[columns] for part in parts], ignore_index=True)
    inner = shapely.distance(result["home"].to_numpy(dtype=object), result["point"].to_numpy(dtype=object))
    arrived = np.concatenate([np.zeros(len(result) - len(behind), dtype=bool), ~behind])
    result["inner_m"] = np.where(arrived, 0.0, inner)
    return result.drop(columns="home").sort_values(["owner_type", "owner_id", "gate_id"], ignore_index=True)


def link_to_graph(
    starts: pd.DataFrame,
    streets: pd.DataFrame,
    graph: WalkGraph,
    profile: str,
    barriers: Barriers,
    *,
    max_leg_m: float,
    island_min_m: float,
    metric_epsg: int,
    wider: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The `access_links` of one profile.

    Parameters
    ----------
    starts : DataFrame
        From `starting_points`.
    streets : DataFrame
        The `streets` table.
    graph : WalkGraph
        Of this profile; edges of islands shorter than `island_min_m` take no links, nor do bridges and tunnels.
    barriers : Barriers
        No leg crosses a hard one. Walls count for points, not for gates, which lie in them; a point walled in on all sides
        is linked across the wall and flagged.
    max_leg_m : float
        Longer legs are flagged `long_leg`; past 250 m there is no link.
    wider : DataFrame, optional
        Links of the same starts on a profile to which all of this one's streets are open too: what they join is joined again
        where it is still open, which saves the search.

    Returns
    -------
    DataFrame
        Columns of `access_links`, geometry in EPSG:4326.
    """
    rows = rows_of(graph.edge_id, streets["edge_id"])
    mine = streets.iloc[rows]
    usable = graph.component_length_m[graph.component[graph.u]] >= island_min_m
    usable &= ~(mine["bridge"].to_numpy(dtype=bool) | mine["tunnel"].to_numpy(dtype=bool))
    usable &= mine[profile].to_numpy(dtype=bool)
    edges = np.flatnonzero(usable)
    lines = project_geometry(mine["geometry"].to_numpy(dtype=object)[edges], GEOGRAPHIC, metric_epsg)
    points = starts["point"].to_numpy(dtype=object)
    walls_count = (starts["resolved_by"] == "point").to_numpy()
    if wider is None:
        chosen, reason = _choose(points, lines, barriers, walls_count)
    else:
        # the first of more lines is the first of these, if it is one of them
        chosen = rows_of(wider["edge_id"], graph.edge_id[edges])
        reason = np.full(len(points), None, dtype=object)
        reason[(wider["reason"] == "leg_crosses_wall").to_numpy(dtype=bool)] = "leg_crosses_wall"
        again = np.flatnonzero(chosen < 0)
        chosen[again], reason[again] = _choose(points[again], lines, barriers, walls_count[again])
    linked = chosen >= 0
    count = len(starts)
    offset, leg = np.full(count, np.nan), np.full(count, np.nan)
    side = np.full(count, None, dtype=object)
    foot = np.full(count, None, dtype=object)
    edge_id = np.full(count, None, dtype=object)
    line = lines[chosen[linked]]
    length = graph.length_m[edges[chosen[linked]]]
    along = shapely.line_locate_point(line, points[linked])
    foot[linked] = shapely.line_interpolate_point(line, along)
    offset[linked] = np.clip(np.round(along, DIGITS), 0.0, length)
    reach = shapely.distance(points[linked], line)
    leg[linked] = np.round(reach + starts["inner_m"].to_numpy()[linked], DIGITS)
    side[linked] = _side(line, along, points[linked])
    edge_id[linked] = graph.edge_id[edges[chosen[linked]]]
    too_long = np.zeros(count, dtype=bool)
    too_long[linked] = reach > max_leg_m
    reason[too_long & (reason == None)] = "long_leg"  # noqa: E711  (element-wise)
    return pd.DataFrame(
        {
            "owner_type": starts["owner_type"].array, "owner_id": starts["owner_id"].array,
            "gate_id": starts["gate_id"].array, "profile": profile, "edge_id": edge_id, "offset_m": offset, "leg_m": leg,
            "side": side, "resolved_by": starts["resolved_by"].array, "linked": linked, "reason": reason,
            "geometry": to_degrees(foot, metric_epsg),
        }
    )  # fmt: skip


def _choose(
    points: Any, lines: Any, barriers: Barriers, walls_count: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """Row of the line that each point joins, -1 where none, and the reason or flag."""
    chosen = np.full(len(points), -1, dtype=np.int64)
    reason = np.full(len(points), None, dtype=object)
    if not len(points) or not len(lines):
        reason[:] = "no_street_within_250m"
        return chosen, reason
    tree = shapely.STRtree(lines)
    at, line = tree.query_nearest(points, max_distance=LINK_LIMIT_M, all_matches=True)
    order = np.lexsort((line, at))
    at, line = at[order], line[order]
    first = np.ones(len(at), dtype=bool)
    first[1:] = at[1:] != at[:-1]
    at, line = at[first], line[first]
    stopped, walled = _crosses(points[at], lines[line], barriers, walls_count[at])
    free = ~stopped & ~walled
    chosen[at[free]] = line[free]
    reason[:] = "no_street_within_250m"
    reason[at] = None
    blocked = at[~free]
    if len(blocked):
        _second_choice(blocked, points, lines, tree, barriers, walls_count, chosen, reason)
    return chosen, reason


def _second_choice(
    blocked: NDArray[np.int64], points: Any, lines: Any, tree: Any, barriers: Barriers,
    walls_count: NDArray[np.bool_], chosen: NDArray[np.int64], reason: NDArray[np.object_],
) -> None:  # fmt: skip
    """For points whose nearest line lies behind a barrier: the nearest one that does not; else across a wall, flagged.

    Searched in growing rings, because nearly all are settled in the first. Walls are only walked round within 100 m: in a
    town of walled gardens the street at the door is the truth, and one 250 m off, over three gardens, is not.
    """
    for ring_m in _RINGS_M:
        todo = blocked[chosen[blocked] < 0]
        pair, line, stopped, walled = _legs_within(todo, ring_m, points, lines, tree, barriers, walls_count)
        _take_first(todo, pair, line, ~stopped & ~walled, chosen)
        if ring_m == _RINGS_M[-2]:
            _take_first(todo, pair, line, ~stopped, chosen, reason)
    reason[blocked[chosen[blocked] < 0]] = "blocked_by_barrier"


def _legs_within(
    rows: NDArray[np.int64], radius_m: float, points: Any, lines: Any, tree: Any, barriers: Barriers,
    walls_count: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Pairs (place in `rows`, line) within a radius, the nearest first, and what their legs cross."""
    pair, line = tree.query(points[rows], predicate="dwithin", distance=radius_m)
    distance = shapely.distance(points[rows][pair], lines[line])
    order = np.lexsort((line, distance, pair))
    pair, line = pair[order], line[order]
    stopped, walled = _crosses(points[rows][pair], lines[line], barriers, walls_count[rows][pair])
    return pair, line, stopped, walled


def _take_first(
    rows: NDArray[np.int64], pair: NDArray[np.int64], line: NDArray[np.int64], free: NDArray[np.bool_],
    chosen: NDArray[np.int64], reason: NDArray[np.object_] | None = None,
) -> None:  # fmt: skip
    """Give each point that has none yet its first free line, and flag it where `reason` is given."""
    place, first = np.unique(pair[free], return_index=True)
    target = rows[place]
    open_ = chosen[target] < 0
    chosen[target[open_]] = line[free][first[open_]]
    if reason is not None:
        reason[target[open_]] = "leg_crosses_wall"


def _crosses(
    points: Any, lines: Any, barriers: Barriers, walls_count: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the straight leg from each point to its line crosses a hard barrier, and whether it crosses a wall."""
    legs = shapely.shortest_line(points, lines)
    stopped = barriers.hard.crossed_by(legs)
    walled = np.zeros(len(legs), dtype=bool)
    walled[walls_count] = barriers.walls.crossed_by(legs[walls_count])
    return stopped, walled


def _side(line: Any, along: NDArray[np.float64], points: Any) -> NDArray[np.object_]:
    """Side of each point, looking along its line at the place nearest to it; missing where it lies on the line."""
    before = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(along - 0.5, 0.0)))
    after = shapely.get_coordinates(shapely.line_interpolate_point(line, along + 0.5))
    way, out = after - before, shapely.get_coordinates(points) - before
    cross = way[:, 0] * out[:, 1] - way[:, 1] * out[:, 0]
    offside = np.abs(cross) / np.maximum(np.hypot(*way.T), 1e-9)
    side = np.where(cross > 0, "left", "right").astype(object)
    side[offside < 0.05] = None
    return side


def seeds_of(links: pd.DataFrame, graph: WalkGraph) -> Seeds:
    """Links (all of them linked) as places on a graph's edges."""
    rows = rows_of(links["edge_id"], graph.edge_id)
    return Seeds(rows, links["offset_m"].to_numpy(dtype=float), links["leg_m"].to_numpy(dtype=float))
