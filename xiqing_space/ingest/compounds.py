"""小区 with walls: residential land whose outline is walled, or that has gates and no other street through its outline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, points_of, project_geometry
from xiqing_space.ingest.area import Area
from xiqing_space.ingest.cells import clean_text
from xiqing_space.ingest.osm import Features, shapes_of

ON_OUTLINE_M = 3.0  # a gate belongs to an outline when it lies this near to it
WALLED_SHARE = 0.8  # of the outline that a separately drawn wall must follow
_WALLS = ("wall", "fence", "city_wall")


def gate_nodes(features: Features, catalogue: Catalogue) -> pd.DataFrame:
    """Gates drawn as nodes: gate_id, lon, lat, `shut` (nobody on foot), `private` (residents only), `vehicle` (vehicles alone)."""
    rules = catalogue.barriers["walkable"]
    rows = []
    for identity, lon, lat, tags in features.nodes:
        if tags.get("barrier") in rules["gates"]:
            word = tags.get("foot") or tags.get("access") or ""
            shut = word == "no" or tags.get("locked") == "yes"
            drive = tags.get("motor_vehicle") or tags.get("vehicle") or ""
            vehicle = tags.get("foot") == "no" and drive not in ("", "no")
            rows.append((f"osm:n{identity}", lon, lat, shut, shut or word in rules["gates_shut"], vehicle))
    columns = ["gate_id", "lon", "lat", "shut", "private", "vehicle"]
    return pd.DataFrame(rows, columns=columns).sort_values("gate_id", ignore_index=True)


def read_compounds(features: Features, gates: pd.DataFrame, streets: pd.DataFrame, area: Area) -> pd.DataFrame:
    """The `compounds` table (unsorted).

    A residential area counts as a compound when its outline itself is tagged as a wall or fence, when drawn walls follow
    it for most of its length, or when gates lie on it and every walkable street through it passes at one of them.
    A quarter through which streets run freely is none, whatever gates it touches: its children would all be sent to them.
    """
    rows = [(identity, tags, wkb) for identity, tags, wkb in features.areas if tags.get("landuse") == "residential"]
    shapes = shapes_of(wkb for *_, wkb in rows)
    metric = project_geometry(shapes, GEOGRAPHIC, area.metric_epsg)
    keep = shapely.intersects(metric, area.buffered) if len(metric) else np.zeros(0, dtype=bool)
    if not keep.any():
        return pd.DataFrame({"compound_id": [], "name": [], "households": [], "geometry": []})
    rings = shapely.boundary(metric)
    tagged = np.asarray([tags.get("barrier") in _WALLS for _, tags, _ in rows], dtype=bool)
    walled = tagged | (_share_walled(rings, features, area) >= WALLED_SHARE)
    points = project_geometry(points_of(gates), GEOGRAPHIC, area.metric_epsg)
    gated = _only_through_gates(rings, points, streets, area)
    keep &= walled | gated
    chosen = [row for row, kept in zip(rows, keep, strict=True) if kept]
    return pd.DataFrame(
        {
            "compound_id": [identity for identity, _, _ in chosen],
            "name": [clean_text(tags.get("name:zh") or tags.get("name") or "") or None for _, tags, _ in chosen],
            "households": np.full(len(chosen), np.nan),
            "geometry": shapes[keep],
        }
    )


def _share_walled(rings: Any, features: Features, area: Area) -> Any:
    walls = shapes_of(wkb for _, tags, wkb in features.lines if tags.get("barrier") in _WALLS)
    if not len(walls):
        return np.zeros(len(rings))
    walls = project_geometry(walls, GEOGRAPHIC, area.metric_epsg)
    tree = shapely.STRtree(walls)
    share = np.zeros(len(rings))
    for row, ring in enumerate(rings):
        near = walls[tree.query(ring, predicate="dwithin", distance=ON_OUTLINE_M)]
        if len(near):
            share[row] = shapely.length(
                shapely.intersection(ring, shapely.union_all(shapely.buffer(near, ON_OUTLINE_M)))
            )
    return share / np.maximum(shapely.length(rings), 1.0)


def _only_through_gates(rings: Any, gates: Any, streets: pd.DataFrame, area: Area) -> Any:
    on_ring = shapely.STRtree(rings).query(gates, predicate="dwithin", distance=ON_OUTLINE_M)
    gated = np.zeros(len(rings), dtype=bool)
    gated[np.unique(on_ring[1])] = True
    walkable = streets.loc[streets["walk"], "geometry"].to_numpy()
    walkable = project_geometry(walkable[shapely.intersects(walkable, shapely.box(*_bounds(rings, area)))], GEOGRAPHIC,
                                area.metric_epsg)  # fmt: skip
    rows = np.flatnonzero(gated)
    ring_row, street_row = shapely.STRtree(walkable).query(rings[rows], predicate="intersects")
    meets = shapely.intersection(rings[rows][ring_row], walkable[street_row])
    far = np.ones(len(meets), dtype=bool)
    if len(gates):
        nearest = shapely.STRtree(gates).query_nearest(meets, max_distance=ON_OUTLINE_M, all_matches=False)
        far[nearest[0]] = False
    gated[rows[np.unique(ring_row[far])]] = False
    return gated


def _bounds(rings: Any, area: Area) -> Any:
    box = shapely.box(*shapely.total_bounds(rings))
    return shapely.bounds(project_geometry(box, area.metric_epsg, GEOGRAPHIC))
