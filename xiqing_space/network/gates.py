"""Ways in: which points of a site or compound lead to the street.

Order: surveyed, else mapped on its edge, else where walkable streets meet the edge within 10 m, else (parks) points each 100 m of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.crs import GEOGRAPHIC, points_of, project_geometry, to_degrees

ON_EDGE_M = 3.0  # a mapped gate belongs to an edge when it lies this near to it
MEETS_M = 10.0  # a street meets an edge when one of its nodes lies this near
APART_M = 5.0  # guessed gates nearer to each other than this are one
BOUNDARY_STEP_M = 100.0
GATE_COLUMNS = ("gate_id", "owner_id", "owner_type", "resolved_by", "through", "geometry")
Gate = tuple[str, str, str, str, str | None, Any]


def _on_edges(rings: Any, points: Any, names: list[str]) -> list[tuple[int, str, Any]]:
    """Mapped gates on rings: (ring row, gate id, point)."""
    if not len(rings) or not len(points):
        return []
    pairs = shapely.STRtree(rings).query(points, predicate="dwithin", distance=ON_EDGE_M)
    return sorted((int(ring), names[point], points[point]) for point, ring in pairs.T)


def meeting_points(
    ring: Any, own_id: str, streets: Any, edge_ids: Any, nodes: Any, node_ids: Any
) -> list[tuple[str, Any]]:
    """Where walkable streets meet a ring: places where they cross it, and street nodes within 10 m, moved onto it.

    Parameters
    ----------
    ring : LineString or MultiLineString
        Metric.
    streets, nodes : array of LineString, array of Point
        Those near the ring, in id order.

    Returns
    -------
    list of (gate_id, Point)
        No two nearer than 5 m, crossings before nodes, in id order.
    """
    found: list[tuple[str, Any]] = []
    for edge, street in zip(edge_ids, streets, strict=True):
        crossing = shapely.intersection(street, ring)
        points = shapely.get_parts(shapely.extract_unique_points(crossing)) if not crossing.is_empty else []
        ordered = sorted(points, key=lambda point: float(shapely.line_locate_point(street, point)))
        found += [
            (f"{own_id}@{edge}" + (f":{index + 1}" if index else ""), point) for index, point in enumerate(ordered)
        ]
    for node, point in zip(node_ids, nodes, strict=True):
        found.append((f"{own_id}@{node}", shapely.line_interpolate_point(ring, shapely.line_locate_point(ring, point))))
    kept: list[tuple[str, Any]] = []
    for name, point in found:
        if all(shapely.distance(point, other) >= APART_M for _, other in kept):
            kept.append((name, point))
    return kept


def _boundary_points(polygon: Any, own_id: str) -> list[tuple[str, Any]]:
    ring = shapely.get_exterior_ring(max(shapely.get_parts(shapely.normalize(polygon)), key=lambda part: part.area))
    steps = np.arange(0.0, ring.length, BOUNDARY_STEP_M)
    if len(steps) > 1 and ring.length - steps[-1] < BOUNDARY_STEP_M / 2:
        steps = steps[:-1]
    return [(f"{own_id}@b{round(step):05d}", point) for step, point in
            zip(steps, shapely.line_interpolate_point(ring, steps), strict=True)]  # fmt: skip


def find_gates(
    facilities: pd.DataFrame,
    grounds: pd.DataFrame,
    compounds: pd.DataFrame,
    gates: pd.DataFrame,
    streets: pd.DataFrame,
    metric_epsg: int,
    surveyed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The `gates` table (unsorted): the ways into every site and compound.

    Parameters
    ----------
    facilities, grounds, compounds, streets : DataFrame
        Tables, EPSG:4326.
    gates : DataFrame
        Mapped gates: gate_id, lon, lat, shut (to everyone), private (residents only).
    metric_epsg : int
    surveyed : DataFrame, optional
        `surveyed_gates`. Whose gates were surveyed has these and no others; closed ones are no way in, and those for
        residents let nobody else pass.

    Returns
    -------
    DataFrame
        `gate_id, owner_id, owner_type, resolved_by, through, geometry`. Sites without ground, and sites other than parks without a
        mapped gate, have their own point as their gate (`point`), or the gates of the compound in which they stand that are
        open to everyone (none such: their own point, linked across the wall and flagged). A
        compound whose gates nobody mapped has the places where streets meet its edge (`perimeter`), or none.
    """
    edges = streets[streets["walk"]].sort_values("edge_id")
    lines = project_geometry(edges["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    # a private gate lets a compound's residents pass and nobody else
    points = project_geometry(points_of(gates), GEOGRAPHIC, metric_epsg)
    names, shut, private = gates["gate_id"].tolist(), gates["shut"].to_numpy(bool), gates["private"].to_numpy(bool)
    walls = _Streets(edges, lines)
    survey = _survey(surveyed, metric_epsg)
    rows: list[Gate] = []
    compound_gates = _compound_gates(compounds, points[~shut], [n for n, s in zip(names, shut, strict=True) if not s],
                                     walls, metric_epsg, survey)  # fmt: skip
    rows += compound_gates
    public = [name for name, closed in zip(names, private, strict=True) if not closed]
    rows += _site_gates(facilities, grounds, compounds, compound_gates, points[~private], public, walls, metric_epsg,
                        survey)  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(GATE_COLUMNS))
    frame["geometry"] = to_degrees(frame["geometry"].to_numpy(dtype=object), metric_epsg)
    return frame.drop_duplicates(["gate_id", "owner_id"])


def compounds_without_gates(
    compounds: pd.DataFrame, gates: pd.DataFrame, surveyed: pd.DataFrame | None, metric_epsg: int
) -> list[str]:
    """Ids of walled compounds whose gates nobody mapped or surveyed, in order: `find_gates` guesses theirs.

    Parameters
    ----------
    compounds : DataFrame
        compound_id, geometry (EPSG:4326).
    gates : DataFrame
        Mapped gates: gate_id, lon, lat, shut.
    surveyed : DataFrame, optional
        `surveyed_gates`.
    """
    ordered = compounds.sort_values("compound_id")
    ids = ordered["compound_id"].tolist()
    usable = gates[~gates["shut"].to_numpy(dtype=bool)]
    points = project_geometry(points_of(usable), GEOGRAPHIC, metric_epsg)
    rings = shapely.boundary(project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))
    known = {ids[ring] for ring, *_ in _on_edges(rings, points, usable["gate_id"].tolist())}
    known |= set(surveyed["owner_id"]) if surveyed is not None and len(surveyed) else set()
    return [one for one in ids if one not in known]


@dataclass(frozen=True)
class _Survey:
    """Surveyed gates that let somebody pass, whose gates were surveyed, and which gates let everyone pass."""

    gates: list[Gate]
    owners: frozenset[str]
    public: frozenset[str]

    def of(self, owner_type: str, *, public: bool = False) -> list[Gate]:
        return [gate for gate in self.gates if gate[2] == owner_type and (not public or gate[0] in self.public)]


def _survey(surveyed: pd.DataFrame | None, metric_epsg: int) -> _Survey:
    if surveyed is None or surveyed.empty:
        return _Survey([], frozenset(), frozenset())
    points = project_geometry(surveyed["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    columns = [surveyed[name].tolist() for name in ("gate_id", "owner_id", "owner_type", "status")]
    rows = sorted(zip(*columns, points, strict=True), key=lambda row: row[:2])
    gates: list[Gate] = [
        (name, owner, kind, "survey", None, point) for name, owner, kind, status, point in rows if status != "closed"
    ]
    public = frozenset(row[0] for row in rows if row[3] not in ("closed", "residents"))
    return _Survey(gates, frozenset(surveyed["owner_id"]), public)


class _Streets:
    """Walkable streets and their nodes, indexed once."""

    def __init__(self, edges: pd.DataFrame, lines: Any) -> None:
        self.lines, self.ids = lines, edges["edge_id"].to_numpy(dtype=object)
        ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
        names = np.concatenate([edges["u"].to_numpy(dtype=object), edges["v"].to_numpy(dtype=object)])
        unique, first = np.unique(names.astype(str), return_index=True)
        self.node_ids: Any = unique
        self.nodes = ends[first]
        self.line_tree, self.node_tree = shapely.STRtree(self.lines), shapely.STRtree(self.nodes)

    def meet(self, ring: Any, own_id: str) -> list[tuple[str, Any]]:
        near = np.sort(self.line_tree.query(ring, predicate="intersects"))
        at = np.sort(self.node_tree.query(ring, predicate="dwithin", distance=MEETS_M))
        return meeting_points(ring, own_id, self.lines[near], self.ids[near], self.nodes[at], self.node_ids[at])


def _compound_gates(
    compounds: pd.DataFrame, points: Any, names: list[str], streets: _Streets, metric_epsg: int, survey: _Survey
) -> list[Gate]:
    ordered = compounds.sort_values("compound_id")
    ids = ordered["compound_id"].tolist()
    rings = shapely.boundary(project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg))
    rows: list[Gate] = [
        (name, ids[ring], "compound", "mapped", None, point)
        for ring, name, point in _on_edges(rings, points, names)
        if ids[ring] not in survey.owners
    ] + survey.of("compound")
    with_gates = {owner for _, owner, *_ in rows} | survey.owners
    for own_id, ring in zip(ids, rings, strict=True):
        if own_id not in with_gates:
            rows += [(name, own_id, "compound", "perimeter", None, point) for name, point in streets.meet(ring, own_id)]
    return rows


def _site_gates(
    facilities: pd.DataFrame, grounds: pd.DataFrame, compounds: pd.DataFrame,
    compound_gates: list[Gate], points: Any, names: list[str], streets: _Streets, metric_epsg: int, survey: _Survey,
) -> list[Gate]:  # fmt: skip
    sites = facilities.sort_values("facility_id").drop_duplicates("site_id")
    parks = set(facilities.loc[facilities["kind"] == "park", "site_id"])
    land = grounds.sort_values("site_id")
    polygons = project_geometry(land["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    ids = land["site_id"].tolist()
    rows: list[Gate] = [(name, ids[ring], "site", "mapped", None, point) for ring, name, point in
            _on_edges(shapely.boundary(polygons), points, names) if ids[ring] not in survey.owners]  # fmt: skip
    rows += survey.of("site", public=True)
    done = {owner for _, owner, *_ in rows}
    for own_id, polygon in zip(ids, polygons, strict=True):
        if own_id in parks and own_id not in done | survey.owners:
            met = streets.meet(shapely.boundary(polygon), own_id)
            resolved = "perimeter" if met else "boundary"
            rows += [
                (name, own_id, "site", resolved, None, point)
                for name, point in met or _boundary_points(polygon, own_id)
            ]
            done.add(own_id)
    rest = sites[~sites["site_id"].isin(done)]
    places = project_geometry(rest["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    homes = _inside(places, compounds, metric_epsg)
    outsiders = set(names) | survey.public
    by_owner: dict[str, list[Gate]] = {}
    for gate in compound_gates:
        by_owner.setdefault(gate[1], []).append(gate)
    everyone = (rest["serves"] == "everyone").tolist()
    for own_id, public, place, compound in zip(rest["site_id"], everyone, places, homes, strict=True):
        # what serves residents only is reached through their own gates too
        through = [
            (name, own_id, "site", resolved, compound, point)
            for name, _, _, resolved, _, point in by_owner.get(compound or "", [])
            if resolved == "perimeter" or name in outsiders or not public
        ]
        rows += through or [(own_id, own_id, "site", "point", None, place)]
    return rows


def _inside(points: Any, polygons: pd.DataFrame, metric_epsg: int) -> list[str | None]:
    ordered = polygons.sort_values("compound_id")
    shapes = project_geometry(ordered["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    pairs = shapely.STRtree(shapes).query(points, predicate="intersects")
    found: list[str | None] = [None] * len(points)
    names = ordered["compound_id"].tolist()
    for point, polygon in sorted(zip(*pairs.tolist(), strict=True), reverse=True):
        found[point] = names[polygon]
    return found
