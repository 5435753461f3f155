"""Where to measure what blocks a child's view: places that default heights made suspicious, most pupils first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.gcj02 import wgs84_to_gcj02
from xiqing_space.report.field_items import COMPASS, name_of
from xiqing_space.store import Store

SIGHT_NEEDS = ("area", "streets", "obstacles", "sightlines")
SIGHT_TOP = 100
SIGHT_COLUMNS = (
    "sightline_id", "obstacle_id", "what", "street", "stand", "lon", "lat", "gcj_lon", "gcj_lat", "children", "obstacle_at", "needed_m",
    "seen_m", "default_m",
)  # fmt: skip


def sight_items(store: Store, catalogue: Catalogue, top: int = SIGHT_TOP) -> pd.DataFrame:
    """The screening list: sightlines with the verdict to_verify, most pupils first, then the greatest lack; `SIGHT_COLUMNS`.

    None of them is a finding: the heights are defaults. Gates, whose pupils nobody counted, come last.

    Parameters
    ----------
    store : Store
        Of a finished run.
    top : int
        Most rows of the district.
    """
    found, epsg = pd.DataFrame(store.get("sightlines")), int(store.get("area")["metric_epsg"].iloc[0])
    mine = found[(found["verdict"] == "to_verify").to_numpy(dtype=bool)]
    mine = mine.assign(lacking=(mine["needed_m"] - mine["seen_child_m"]).round(1), pupils=mine["children"].fillna(-1.0))
    mine = mine.sort_values(
        ["pupils", "lacking", "sightline_id"], ascending=[False, False, True], ignore_index=True
    ).head(top)
    streets, obstacles = store.get("streets").set_index("edge_id"), store.get("obstacles").set_index("obstacle_id")
    roads, things = streets.reindex(mine["edge_id"]), obstacles.reindex(mine["blocked_by"])
    child = shapely.get_point(mine["geometry"].to_numpy(dtype=object), 0)
    end = shapely.get_point(mine["geometry"].to_numpy(dtype=object), -1)
    metric = [
        project_geometry(np.asarray(one, dtype=object), GEOGRAPHIC, epsg)
        for one in (child, end, roads["geometry"].to_numpy(dtype=object), things["geometry"].to_numpy(dtype=object))
    ]
    on_road = shapely.line_interpolate_point(metric[2], shapely.line_locate_point(metric[2], metric[0]))
    at_thing = shapely.get_point(shapely.shortest_line(metric[0], metric[3]), 1)
    lon, lat = shapely.get_x(child), shapely.get_y(child)
    gcj = wgs84_to_gcj02(lon, lat) if len(mine) else (lon, lat)
    cars = catalogue.child_view["obstacles"]["parked_cars"]["height_m"]
    sides, from_, to = _ways(on_road, metric[0]), _ways(metric[0], metric[1]), _ways(metric[0], at_thing)
    far = shapely.distance(metric[0], at_thing)
    return pd.DataFrame(
        {
            "sightline_id": mine["sightline_id"].array, "obstacle_id": mine["blocked_by"].array,
            "what": [catalogue.words[f"obstacle_{one}"][0] for one in mine["blocked_what"]],
            "street": [name_of(name, ref) for name, ref in zip(roads["name"], roads["ref"], strict=True)],
            "stand": [f"{side or '路边'}{'侧' if side else ''}路缘，望{way or '来'}方来车" for side, way in zip(sides, from_, strict=True)],
            "lon": np.round(lon, 6), "lat": np.round(lat, 6), "gcj_lon": np.round(gcj[0], 6), "gcj_lat": np.round(gcj[1], 6),
            "children": mine["children"].array,
            "obstacle_at": ["沿路缘" if np.isnan(metres) else f"{way}{metres:.0f} m" for way, metres in zip(to, far.tolist(), strict=True)],
            "needed_m": mine["needed_m"].array, "seen_m": mine["seen_child_m"].array,
            "default_m": things["height_m"].fillna(cars).to_numpy(dtype=float),
        }
    )  # fmt: skip


def _ways(start: NDArray[np.object_], end: NDArray[np.object_]) -> list[str]:
    """Compass words from points to points; empty where one is missing or both are the same."""
    east, north = shapely.get_x(end) - shapely.get_x(start), shapely.get_y(end) - shapely.get_y(start)
    turn = np.round(np.degrees(np.arctan2(north, east)) / 45.0)
    known = np.isfinite(turn) & (np.hypot(east, north) > 0.01)
    return [COMPASS[int(one) % 8] if there else "" for one, there in zip(turn.tolist(), known.tolist(), strict=True)]
