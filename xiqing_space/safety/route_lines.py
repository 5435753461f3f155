"""Lines of routes, drawn on request: from the door of a home along streets to the gate of its school."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.safety.forest import Pieces
from xiqing_space.safety.school_routes import RouteTables, SchoolRoutes
from xiqing_space.safety.way_values import WaysIn
from xiqing_space.schemas.safety import TREES

COLUMNS = ("demand_id", "school_id", "kind", "number", "part", "edge_id", "crossing_id", "lane", "metres", "geometry")


def route_lines(
    demand_ids: Sequence[str], routes: SchoolRoutes, tables: RouteTables, *, kinds: Sequence[str] = ()
) -> pd.DataFrame:
    """The routes of some homes, piece by piece from the door to the gate.

    Drawn on the middle of each street, whatever the side, so a crossing is a point. A child may well walk otherwise.

    Parameters
    ----------
    demand_ids : sequence of str
        Homes; those without a route give no rows.
    routes : SchoolRoutes
    tables : RouteTables
        As the routes were made from.
    kinds : sequence of str
        Kinds of school; all where none is named.

    Returns
    -------
    DataFrame
        In the order of walking: `demand_id, school_id, kind, number` (from 0), `part` (leg, street, crossing), `edge_id,
        crossing_id` (missing where there is none), `lane` (0 a way of its own, 1 left, 2 right of the line), `metres`, `geometry`
        (EPSG:4326: lines; points for crossings).
    """
    rows, demand = routes.rows, tables.assignment.demand
    ids = demand["demand_id"].to_numpy(dtype=object)[rows["home"].to_numpy(dtype=np.int64)]
    wanted = np.isin(ids, np.array(list(demand_ids), dtype=object)) & (rows["pair"] >= 0).to_numpy()
    if kinds:
        wanted &= rows["kind"].isin(list(kinds)).to_numpy()
    out = []
    drawer = _Drawer(routes, tables)
    for at in np.flatnonzero(wanted).tolist():
        home, school, kind, pair = (rows[name].iloc[at] for name in ("home", "school", "kind", "pair"))
        if routes.routed.tree[pair] < 0:
            continue
        pieces = routes.routed.pieces[TREES[routes.routed.tree[pair]]]
        for number, part in enumerate(drawer.draw(pieces, int(pieces.leaf[pair]), int(home))):
            out.append(
                {
                    "demand_id": ids[at],
                    "school_id": routes.assigned.site_id[school],
                    "kind": kind,
                    "number": number,
                    **part,
                }
            )
    frame = pd.DataFrame(out, columns=list(COLUMNS))
    frame["geometry"] = to_degrees(frame["geometry"].to_numpy(dtype=object), tables.metric_epsg)
    return frame


def way_of(pieces: Pieces, leaf: int) -> NDArray[np.int64]:
    """Rows of the pieces from a home's door to the gate."""
    rows = [leaf]
    while (above := int(pieces.parent[rows[-1]])) >= 0:
        rows.append(above)
    return np.array(rows, dtype=np.int64)


class _Drawer:
    """Draws pieces of way, each from where the one before ended."""

    def __init__(self, routes: SchoolRoutes, tables: RouteTables) -> None:
        self.graph, self.walks, self.epsg = routes.walks.graph, routes.walks, tables.metric_epsg
        demand, facilities, gates = tables.assignment.demand, tables.assignment.facilities, tables.gates
        self.row = pd.Index(tables.streets["edge_id"]).get_indexer(pd.Index(self.graph.edge_id))
        self.lines = tables.streets["geometry"].to_numpy(dtype=object)
        self.doors = demand["geometry"].to_numpy(dtype=object)
        of_site = facilities.drop_duplicates("site_id").set_index("site_id")["geometry"]
        self.sites = of_site.reindex(routes.assigned.site_id).to_numpy(dtype=object)
        self.gate_of = tables.links["gate_id"].to_numpy(dtype=object)
        self.gates = dict(zip(gates["gate_id"], gates["geometry"], strict=True))
        behind = gates[(gates["owner_type"] == "site") & gates["through"].notna()]
        self.behind = set(zip(behind["gate_id"], behind["owner_id"], strict=True))
        self.site_id = routes.assigned.site_id

    def draw(self, pieces: Pieces, leaf: int, home: int) -> list[dict[str, Any]]:
        """The pieces of one route, `geometry` metric."""
        out: list[dict[str, Any]] = []
        path = way_of(pieces, leaf).tolist()
        for at, piece in enumerate(path):
            edge, crossing, arc = int(pieces.edge[piece]), int(pieces.crossing[piece]), int(pieces.arc[piece])
            way, gate = int(pieces.way[piece]), int(pieces.gate[piece])
            common = {
                "edge_id": self.graph.edge_id[edge] if edge >= 0 else None, "lane": int(self.graph.lane[arc]) if edge >= 0 else 0,
                "crossing_id": self.graph.crossing_id[crossing] if crossing >= 0 else None, "metres": float(pieces.metres[piece]),
            }  # fmt: skip
            if edge >= 0:
                if pieces.metres[piece] > 0:
                    out.append(
                        {**common, "part": "street", "geometry": self.street(edge, arc, *self.span(pieces, path, at))}
                    )
                continue
            leg = self.leg_in(gate) if gate >= 0 else self.leg_out(way, home) if way >= 0 else None
            if crossing >= 0:
                here = self.corner(int(pieces.corner[piece])) if leg is None else leg[0 if gate >= 0 else -1]
                out.append({**common, "part": "crossing", "geometry": shapely.Point(here)})
            if leg is not None:
                line = {**common, "part": "leg", "crossing_id": None, "metres": float(pieces.leg_m[piece]),
                        "geometry": shapely.LineString(leg)}  # fmt: skip
                out.insert(len(out) - (way >= 0 and crossing >= 0), line)
        return _joined(out)

    def span(self, pieces: Pieces, path: list[int], at: int) -> tuple[float, float]:
        """From where to where on its arc a piece leads, in metres from the arc's tail."""
        piece, arc = path[at], int(pieces.arc[path[at]])
        length, metres = float(self.graph.length_m[arc]), float(pieces.metres[piece])
        if pieces.corner[piece] >= 0:
            return (0.0, length) if pieces.corner[piece] == self.graph.tail[arc] else (length, 0.0)
        before, after = path[at - 1], path[at + 1]
        if pieces.way[before] >= 0:  # the arc at the home's door
            start = float(self.walks.homes.offset_m[pieces.way[before]])
            if pieces.gate[after] >= 0:
                return start, float(self.walks.schools.offset_m[pieces.gate[after]])
            return start, self.end(arc, int(pieces.corner[after]), metres, start)
        stop = float(self.walks.schools.offset_m[pieces.gate[after]])
        return self.end(arc, int(pieces.corner[before]), metres, stop), stop

    def end(self, arc: int, corner: int, metres: float, place_m: float) -> float:
        """Which end of an arc a corner is: 0 or its length; of a loop the one as far from a place as was walked."""
        length, tail, head = float(self.graph.length_m[arc]), self.graph.tail[arc], self.graph.head[arc]
        at_tail = corner == tail if tail != head else abs(place_m - metres) < abs(length - place_m - metres)
        return 0.0 if at_tail else length

    def street(self, edge: int, arc: int, start_m: float, stop_m: float) -> shapely.LineString:
        """A part of an edge's line, in the direction of walking."""
        length = max(float(self.graph.length_m[arc]), 1e-9)
        low, high = sorted((start_m / length, stop_m / length))
        line = substring(self.metric(self.lines[self.row[edge]]), low, high, normalized=True)
        return line if start_m <= stop_m else shapely.reverse(line)

    def leg_out(self, way: int, home: int) -> list[Any]:
        """From a home's door, over its compound's gate, to its street."""
        gate = self.gates.get(self.gate_of[self.walks.homes.link[way]])
        places = [self.doors[home], *([] if gate is None else [gate])]
        return [*(self.metric(one).coords[0] for one in places), self.foot(self.walks.homes, way)]

    def leg_in(self, way: int) -> list[Any]:
        """From the street to a school's gate; where that is a compound's, on to the school."""
        schools = self.walks.schools
        name, school = self.gate_of[schools.link[way]], int(schools.owner[way])
        gate = self.gates.get(name)
        places = [] if gate is None else [gate]
        if gate is None or (name, self.site_id[school]) in self.behind:
            places.append(self.sites[school])
        return [self.foot(schools, way), *(self.metric(one).coords[0] for one in places)]

    def foot(self, ways: WaysIn, way: int) -> Any:
        """Where a way in joins its street."""
        arc = int(ways.arc[way])
        share = float(ways.offset_m[way]) / max(float(self.graph.length_m[arc]), 1e-9)
        line = self.metric(self.lines[self.row[int(self.graph.edge[arc])]])
        return line.interpolate(share, normalized=True).coords[0]

    def corner(self, corner: int) -> Any:
        """Place of a corner's node."""
        return tuple(self.graph.xy[corner])

    def metric(self, shape: Any) -> Any:
        """A shape of the tables in metres."""
        return project_geometry(np.array([shape], dtype=object), GEOGRAPHIC, self.epsg)[0]


def _joined(out: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each line from exactly where the one before ended: tables are rounded to about a centimetre."""
    here: Any = None
    for part in out:
        if part["part"] == "crossing":
            continue
        coords = shapely.get_coordinates(part["geometry"])
        if here is not None:
            coords[0] = here
        part["geometry"], here = shapely.LineString(coords), coords[-1]
    return out
