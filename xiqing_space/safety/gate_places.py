"""Gates of schools: whose gate each is, and on which street it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.gates import ON_EDGE_M
from xiqing_space.network.graph import WalkGraph, assemble, build_graph
from xiqing_space.network.links import DIGITS
from xiqing_space.network.reach import Seeds, nearest_along

DEGREE_M = 111_195.0  # of latitude; only to choose candidates
_UNLINKED = "no_street_within_250m"


class Roads:
    """Streets as graphs: open to walkers, roads (open to motor traffic by their class), and roads cut into named streets.

    Parameters
    ----------
    streets : DataFrame
        The `streets` table, EPSG:4326.
    catalogue : Catalogue
        `safety.roads`, `gate_streets`.
    metric_epsg : int
    """

    def __init__(self, streets: pd.DataFrame, catalogue: Catalogue, metric_epsg: int) -> None:
        self.epsg, self._catalogue = metric_epsg, catalogue
        self.table = streets.sort_values("edge_id", ignore_index=True)
        self.ids = pd.Index(self.table["edge_id"])
        self.highway = self.table["highway"].to_numpy(dtype=object)
        self.is_road = ~np.isin(self.highway.astype(str), catalogue.safety["roads"]["foot"])
        self.lines = self.table["geometry"].to_numpy(dtype=object)

    @cached_property
    def walk(self) -> WalkGraph:
        """What is open to walkers."""
        return build_graph(self.table, "walk", self.epsg)

    @cached_property
    def road(self) -> WalkGraph:
        """All roads, those closed to walkers included."""
        return build_graph(self.table.assign(road=self.is_road), "road", self.epsg)

    @cached_property
    def named(self) -> WalkGraph:
        """Roads that join only where both are one street: one name, else one number, else one class without either."""
        graph = self.road
        row = self.ids.get_indexer(pd.Index(graph.edge_id))
        name, ref = (self.table[column].to_numpy(dtype=object)[row] for column in ("name", "ref"))
        key = np.where(pd.notna(name), name, np.where(pd.notna(ref), ref, self.highway[row]))
        street = pd.factorize(key)[0]
        both = np.concatenate([graph.u, graph.v]).astype(np.int64) * (int(street.max(initial=0)) + 1)
        ends, rows = np.unique(both + np.concatenate([street, street]), return_inverse=True)
        node = ends // (int(street.max(initial=0)) + 1)
        place: NDArray[np.int32] = rows.astype(np.int32)
        count = len(graph.edge_id)
        return assemble(
            graph.node_id[node], graph.xy[node], graph.edge_id, place[:count], place[count:], graph.length_m
        )

    @cached_property
    def _tree(self) -> Any:
        return shapely.STRtree(self.lines)

    def near(self, points: Any, radius_m: float) -> NDArray[np.int64]:
        """Rows of edges in the squares round points (EPSG:4326), and a few beyond."""
        if not len(points):
            return np.zeros(0, dtype=np.int64)
        x, y = shapely.get_x(points), shapely.get_y(points)
        high = radius_m / DEGREE_M
        wide = high / np.maximum(np.cos(np.radians(y)), 0.1)
        return np.unique(self._tree.query(shapely.box(x - wide, y - high, x + wide, y + high))[1])

    def metric(self, rows: NDArray[np.int64]) -> Any:
        """Lines of some edges in the metric system."""
        return project_geometry(self.lines[rows], GEOGRAPHIC, self.epsg)

    def seeds_at(self, graph: WalkGraph, nodes: NDArray[np.int64]) -> Seeds:
        """Nodes of a graph as places on an edge that ends there."""
        every = np.concatenate([graph.u, graph.v])
        first = np.full(graph.n_nodes, len(every), dtype=np.int64)
        np.minimum.at(first, every, np.arange(len(every)))
        at = first[nodes]
        edge = at % len(graph.u)
        return Seeds(edge, np.where(at < len(graph.u), 0.0, graph.length_m[edge]), np.zeros(len(nodes)))

    def rank(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order of edges by class, the largest first."""
        order = {name: at for at, name in enumerate(self._catalogue.safety["roads"]["order"])}
        return np.array([order.get(name, len(order)) for name in self.highway[rows]], dtype=np.int64)


@dataclass(frozen=True)
class Places:
    """Gates with their streets, in the order of (gate_id, site_id).

    Attributes
    ----------
    frame : DataFrame
        gate_id, site_id, kinds (joined by |), gate_use, reason (why no verdict may be given), zone_id, geometry; walk_edge,
        walk_m: place on the walking network; road_edge, road_m: place on the street; on_road: whether the gate opens on to it.
    """

    frame: pd.DataFrame

    def on(self, graph: WalkGraph, kind: str) -> tuple[NDArray[np.int64], Seeds]:
        """Rows of the gates that stand on a graph, and where on it (`walk` or `road`); the way from the gate to it is left out."""
        edge = self.frame[f"{kind}_edge"]
        found = pd.Index(graph.edge_id).get_indexer(pd.Index(edge))
        rows = np.flatnonzero((found >= 0) & edge.notna().to_numpy(dtype=bool))
        place = self.frame[f"{kind}_m"].to_numpy(dtype=float)[rows]
        return rows, Seeds(found[rows].astype(np.int64), place, np.zeros(len(rows)))


def kept(values: NDArray[np.object_], where: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Values where a condition holds, else None."""
    result = values.copy()
    result[~where] = None
    return result


def find_places(
    facilities: pd.DataFrame, gates: pd.DataFrame, vehicle_gates: pd.DataFrame, zones: pd.DataFrame,
    access_links: pd.DataFrame, street_attributes: pd.DataFrame, survey: pd.DataFrame, roads: Roads, catalogue: Catalogue,
) -> Places:  # fmt: skip
    """Gates of the area's operating schools and the street that each stands on.

    Parameters
    ----------
    facilities, gates, zones, access_links, street_attributes : DataFrame
        Tables of these names, EPSG:4326.
    vehicle_gates : DataFrame
        `find_vehicle_gates`.
    survey : DataFrame
        `street_survey`: of a gate the field gate_use, student or vehicle.
    roads : Roads
    catalogue : Catalogue

    Returns
    -------
    Places
        A gate without a street is among them, with the reason.
    """
    frame = _school_gates(facilities, gates, vehicle_gates, survey, catalogue)
    frame["zone_id"] = _zone_of(frame["geometry"].to_numpy(dtype=object), zones)
    links = access_links[
        ((access_links["owner_type"] == "site") & (access_links["profile"] == "walk")).to_numpy(dtype=bool)
    ]
    key = pd.MultiIndex.from_frame(links[["gate_id", "owner_id"]])
    at = key.get_indexer(pd.MultiIndex.from_frame(frame[["gate_id", "site_id"]]))
    here = links.iloc[np.maximum(at, 0)] if len(links) else links.reindex(range(len(frame)))
    linked = (at >= 0) & here["linked"].eq(True).to_numpy(dtype=bool)
    frame["walk_edge"] = np.where(linked, here["edge_id"].to_numpy(dtype=object), None)
    frame["walk_m"] = np.where(linked, here["offset_m"].to_numpy(dtype=float), np.nan)
    told = here["reason"].to_numpy(dtype=object)
    long = linked & (told == "long_leg")
    vehicle = frame["gate_use"].eq("vehicle").to_numpy(dtype=bool)
    missing = np.where(at >= 0, told, _UNLINKED)
    link_reason = kept(missing, ~(linked | (vehicle & (at < 0))))
    link_reason[long] = "long_leg"
    frame["reason"] = frame["reason"].where(frame["reason"].notna(), link_reason)
    _put_on_roads(frame, street_attributes, roads, catalogue)
    return Places(frame)


def find_vehicle_gates(mapped_points: pd.DataFrame, grounds: pd.DataFrame, metric_epsg: int) -> pd.DataFrame:
    """Gates for vehicles alone that lie on a ground's edge: gate_id, owner_id, geometry.

    Parameters
    ----------
    mapped_points, grounds : DataFrame
        Tables of these names, EPSG:4326.
    metric_epsg : int
    """
    mine = mapped_points[((mapped_points["what"] == "gate") & mapped_points["vehicle"].eq(True)).to_numpy(dtype=bool)]
    points = project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    rings = shapely.boundary(project_geometry(grounds["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))
    point, ring = shapely.STRtree(rings).query(points, predicate="dwithin", distance=ON_EDGE_M)
    return pd.DataFrame({
        "gate_id": mine["point_id"].to_numpy(dtype=object)[point],
        "owner_id": grounds["site_id"].to_numpy(dtype=object)[ring],
        "geometry": mine["geometry"].to_numpy(dtype=object)[point],
    })  # fmt: skip


def _school_gates(
    facilities: pd.DataFrame,
    gates: pd.DataFrame,
    vehicle_gates: pd.DataFrame,
    survey: pd.DataFrame,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """Gates of schools that any rule is for, with their use and why a guessed one gets no verdict."""
    kinds = {kind for rule in catalogue.gate_rules.values() for kind in rule.kinds}
    there = facilities["status"].eq("operating") & facilities["inside"].eq(True) & facilities["kind"].isin(kinds)
    of_site = (
        facilities[there.to_numpy(dtype=bool)]
        .sort_values("kind")
        .groupby("site_id")["kind"]
        .agg(lambda one: "|".join(dict.fromkeys(one)))
    )
    own = gates[(gates["owner_type"] == "site").to_numpy(dtype=bool)]
    parts = [own[["gate_id", "owner_id", "through", "resolved_by", "geometry"]]]
    if len(vehicle_gates):
        parts.append(vehicle_gates.assign(through=None, resolved_by="vehicle")[parts[0].columns])
    frame = pd.concat([pd.DataFrame(part).astype(object) for part in parts], ignore_index=True).rename(
        columns={"owner_id": "site_id"}
    )
    frame = frame[frame["site_id"].isin(of_site.index)].drop_duplicates(["gate_id", "site_id"])
    frame = frame.sort_values(["gate_id", "site_id"], ignore_index=True)
    frame["kinds"] = frame["site_id"].map(of_site).astype(object)
    seen = frame["resolved_by"].isin(("survey", "mapped")) & frame["through"].isna()
    said = survey[((survey["item_type"] == "gate") & (survey["field"] == "gate_use")).to_numpy(dtype=bool)]
    use = frame["gate_id"].map(dict(zip(said["item_id"], said["value"].astype(str).str.strip(), strict=True)))
    vehicle = frame["resolved_by"].eq("vehicle") | (seen & use.eq("vehicle"))
    frame["gate_use"] = np.where(vehicle, "vehicle", np.where(seen, "student", "guessed")).astype(object)
    why = np.where(frame["through"].notna(), "gate_of_compound", "gate_guessed").astype(object)
    frame["reason"] = kept(why, frame["gate_use"].eq("guessed").to_numpy(dtype=bool))
    return frame.drop(columns=["through", "resolved_by"])


def _zone_of(points: Any, zones: pd.DataFrame) -> NDArray[np.object_]:
    """Id of the zone that each point lies in, the first where several hold it."""
    found = np.full(len(points), None, dtype=object)
    ordered = zones.sort_values("zone_id")
    point, zone = shapely.STRtree(ordered["geometry"].to_numpy(dtype=object)).query(points, predicate="intersects")
    order = np.lexsort((zone, point))[::-1]
    found[point[order]] = ordered["zone_id"].to_numpy(dtype=object)[zone[order]]
    return found


def _put_on_roads(frame: pd.DataFrame, attributes: pd.DataFrame, roads: Roads, catalogue: Catalogue) -> None:
    """The street of each gate: the road it opens on to, the road beside its sidewalk, or the one its path leads to."""
    count, reach = len(frame), catalogue.gate_streets.foot_reach_m
    edge, place = np.full(count, -1, dtype=np.int64), np.full(count, np.nan)
    walk = roads.ids.get_indexer(pd.Index(frame["walk_edge"]))
    walk[frame["walk_edge"].isna().to_numpy(dtype=bool)] = -1
    offset = frame["walk_m"].to_numpy(dtype=float)
    beside = pd.Series(
        attributes["beside_edge_id"].to_numpy(dtype=object), index=attributes["edge_id"].to_numpy(dtype=object)
    )
    own = np.flatnonzero((walk >= 0) & roads.is_road[walk])
    edge[own], place[own] = walk[own], offset[own]
    rest = np.flatnonzero((walk >= 0) & (edge < 0))
    road = roads.ids.get_indexer(pd.Index(beside.reindex(roads.ids[walk[rest]]).to_numpy(dtype=object)))
    rest, road = rest[road >= 0], road[road >= 0]
    if len(rest):
        feet = shapely.line_interpolate_point(roads.metric(walk[rest]), offset[rest])
        edge[rest], place[rest] = road, shapely.line_locate_point(roads.metric(road), feet)
    on_road = edge >= 0
    paths = np.flatnonzero((walk >= 0) & (edge < 0))
    if len(paths):
        edge[paths], place[paths] = _end_of_paths(walk[paths], offset[paths], roads, reach)
    lone = np.flatnonzero((walk < 0) & frame["gate_use"].eq("vehicle").to_numpy(dtype=bool))
    if len(lone):
        edge[lone], place[lone] = _nearest_roads(frame["geometry"].to_numpy(dtype=object)[lone], roads, reach)
        on_road[lone] = edge[lone] >= 0
    length = roads.table["length_m"].to_numpy(dtype=float)
    frame["road_edge"] = kept(roads.ids.to_numpy(dtype=object)[edge], edge >= 0)
    frame["road_m"] = np.where(edge >= 0, np.clip(np.round(place, DIGITS), 0.0, length[edge]), np.nan)
    frame["on_road"] = on_road


def _end_of_paths(
    walk: NDArray[np.int64], offset: NDArray[np.float64], roads: Roads, reach_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row and place of the largest road that meets the path nearest to each foot; -1 where none is within reach."""
    graph, road = roads.walk, roads.road
    at_road = np.intersect1d(graph.node_id.astype(str), road.node_id.astype(str))
    nodes = pd.Index(graph.node_id).get_indexer(pd.Index(at_road)).astype(np.int64)
    rows = pd.Index(graph.edge_id).get_indexer(pd.Index(roads.ids[walk])).astype(np.int64)
    owners = Seeds(rows, offset, np.zeros(len(rows)))
    edge, place = np.full(len(walk), -1, dtype=np.int64), np.full(len(walk), np.nan)
    if not len(nodes):
        return edge, place
    _, seed = nearest_along(graph, roads.seeds_at(graph, nodes), owners, reach_m)
    for row in np.flatnonzero(seed >= 0):
        node = int(pd.Index(road.node_id).get_loc(graph.node_id[nodes[seed[row]]]))
        there = np.flatnonzero((road.u == node) | (road.v == node))
        mine = roads.ids.get_indexer(pd.Index(road.edge_id[there])).astype(np.int64)
        best = int(np.lexsort((mine, roads.rank(mine)))[0])
        edge[row] = mine[best]
        place[row] = 0.0 if road.u[there[best]] == node else road.length_m[there[best]]
    return edge, place


def _nearest_roads(points: Any, roads: Roads, reach_m: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Row of the nearest road to each point (EPSG:4326) in a straight line, and the place on it; -1 where none is within reach."""
    rows = roads.near(points, reach_m)
    rows = rows[roads.is_road[rows]]
    edge, place = np.full(len(points), -1, dtype=np.int64), np.full(len(points), np.nan)
    if not len(rows):
        return edge, place
    lines, own = roads.metric(rows), project_geometry(np.asarray(points, dtype=object), GEOGRAPHIC, roads.epsg)
    point, line = shapely.STRtree(lines).query_nearest(own, max_distance=reach_m, all_matches=True)
    order = np.lexsort((line, point))[::-1]
    edge[point[order]] = rows[line[order]]
    there = np.flatnonzero(edge >= 0)
    place[there] = shapely.line_locate_point(roads.metric(edge[there]), own[there])
    return edge, place
