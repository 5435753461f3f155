"""What stands along roads: mapped obstacles as surveyed, parked cars, and the room that they leave a child at the kerb."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import shapely
import shapely.ops
from numpy.typing import NDArray

from xiqing_space.child_view.approaches import Approaches, Waits
from xiqing_space.child_view.roads import Roads
from xiqing_space.child_view.sightlines import Solids
from xiqing_space.crs import GEOGRAPHIC, project_geometry

KNOWN = ["obstacle_id", "what", "height_m", "height_from", "shape"]
_CAR_M = 0.9  # half the width of the car that comes


def known_things(
    obstacles: pd.DataFrame, cars: pd.DataFrame, survey: pd.DataFrame, roads: Roads, metric_epsg: int
) -> pd.DataFrame:
    """Obstacles and parked cars with the heights that somebody measured, without those that are gone; in id order.

    Where a thing is drawn across the middle of a road (a building over it, a wall with its gate) the carriageway is cut out of it.

    Parameters
    ----------
    obstacles : DataFrame
        `obstacles`.
    cars : DataFrame
        From `parked_cars`.
    survey : DataFrame
        `obstacle_survey`.

    Returns
    -------
    DataFrame
        `obstacle_id, what, height_m, height_from, shape` (metric).
    """
    gone = set(survey.loc[survey["gone"].to_numpy(dtype=bool), "obstacle_id"])
    mine = obstacles[~obstacles["obstacle_id"].isin(gone).to_numpy(dtype=bool)]
    shape = project_geometry(np.asarray(mine["geometry"], dtype=object), GEOGRAPHIC, metric_epsg)
    mapped = pd.DataFrame(mine.drop(columns="geometry")).assign(shape=_off_the_road(shape, roads))
    parts = [one for one in (mapped, cars[~cars["obstacle_id"].isin(gone)]) if len(one)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=float if name == "height_m" else object) for name in KNOWN})
    known = pd.concat([one[KNOWN] for one in parts], ignore_index=True).sort_values("obstacle_id", ignore_index=True)
    told = survey[survey["height_m"].notna()].drop_duplicates("obstacle_id").set_index("obstacle_id")["height_m"]
    height = known["obstacle_id"].map(told)
    return known.assign(
        height_m=height.where(height.notna(), known["height_m"]),
        height_from=known["height_from"].where(height.isna(), "survey"),
    )


def _off_the_road(shapes: NDArray[np.object_], roads: Roads) -> NDArray[np.object_]:
    """Shapes without the carriageways of the roads whose middle runs through them."""
    if not len(shapes) or not len(roads.line):
        return shapes
    shape, road = shapely.STRtree(roads.line).query(shapes, predicate="intersects")
    if not len(shape):
        return shapes
    rows, at = np.unique(shape, return_inverse=True)
    order = np.lexsort((road, at))
    ways = shapely.buffer(roads.line[road[order]], roads.half_m[road[order]], cap_style="flat")
    cut = shapes.copy()
    begins = np.concatenate([[0], np.cumsum(np.bincount(at))])
    across = [shapely.union_all(ways[low:high]) for low, high in pairwise(begins.tolist())]
    cut[rows] = shapely.difference(shapes[rows], np.asarray(across, dtype=object))
    return cut


def solids_of(known: pd.DataFrame) -> Solids:
    """Of `known_things`."""
    return Solids(
        known["obstacle_id"].to_numpy(dtype=object),
        known["shape"].to_numpy(dtype=object),
        known["height_m"].to_numpy(dtype=float),
    )


def stand_clear(approaches: Approaches, known: pd.DataFrame, body_m: float) -> Approaches:
    """Children who would stand in or behind a solid, moved before it: its place is drawn, the carriageway's width often a default.

    A planner may not read off where exactly the kerb is. Parked cars leave the place: children go round them.

    Parameters
    ----------
    body_m : float
        From the solid to the middle of the child.
    """
    fixed = known.loc[(known["what"] != "parked_cars").to_numpy(dtype=bool), "shape"].to_numpy(dtype=object)
    if not len(fixed) or not len(approaches.wait):
        return approaches
    out = approaches.child - approaches.middle
    reach = np.hypot(*out.T)
    way = out / np.maximum(reach, 1e-9)[:, None]
    inner = approaches.middle + way * approaches.lane_m[:, None]
    ray = shapely.linestrings(np.stack([inner, approaches.child], axis=1))
    tree = shapely.STRtree(fixed)
    row, solid = tree.query(ray, predicate="intersects")
    if not len(row):
        return approaches
    met = shapely.distance(shapely.points(inner[row]), shapely.intersection(ray[row], fixed[solid]))
    nearest = np.full(len(reach), np.inf)
    np.minimum.at(nearest, row, met)
    least = np.minimum(approaches.lane_m + _CAR_M, reach)
    stand = np.where(np.isfinite(nearest), np.maximum(approaches.lane_m + nearest - body_m, least), reach)
    return replace(approaches, child=approaches.middle + way * np.minimum(stand, reach)[:, None])


def parked_cars(roads: Roads, attributes: pd.DataFrame, waits: Waits, rules: dict[str, Any]) -> pd.DataFrame:
    """Rows of parked cars along kerbs where parking is known, clear of junctions and of the places where one waits.

    Parameters
    ----------
    attributes : DataFrame
        `street_attributes`: only what was tagged or surveyed counts, a default never puts a car anywhere.
    rules : dict
        `obstacles.parked_cars` of catalog/child_view.toml.

    Returns
    -------
    DataFrame
        `obstacle_id, what, height_m, height_from, shape` (metric).
    """
    known = attributes[attributes["parking_from"].isin(["tag", "survey"])].set_index("edge_id")["parking"]
    parking = pd.Series(roads.edge_id, dtype=object).map(known).to_numpy(dtype=object)
    corner, clear_m, width = roads.meetings.corner_m(), rules["clear_m"], rules["width_m"]
    clear: dict[int, list[float]] = {}
    for edge, along in zip(waits.edge.tolist(), waits.along_m.tolist(), strict=True):
        clear.setdefault(edge, []).append(along)
    rows = []
    for edge in np.flatnonzero(np.isin(parking.astype(str), ["one", "both"])).tolist():
        line, away, length = roads.line[edge], max(roads.half_m[edge] - width / 2, 0.0), float(roads.length_m[edge])
        near, far = corner[2 * edge : 2 * edge + 2].tolist()
        begin, end = near + clear_m if near else 0.0, length - (far + clear_m if far else 0.0)
        # of one side nobody tells which: the right side of the way's direction is taken
        for side, sign in (("right", -1.0), ("left", 1.0)) if parking[edge] == "both" else (("right", -1.0),):
            for low, high in _clear_of(begin, end, clear.get(edge, []), clear_m):
                kerb = shapely.offset_curve(shapely.ops.substring(line, low, high), sign * away)
                if kerb.length > 2.0:
                    rows.append(
                        (f"parking/{roads.edge_id[edge]}/{side}/{low:.0f}", kerb.buffer(width / 2, cap_style="flat"))
                    )
    return pd.DataFrame({"obstacle_id": [row[0] for row in rows], "what": "parked_cars", "height_m": rules["height_m"],
                         "height_from": "default", "shape": [row[1] for row in rows]})  # fmt: skip


def _clear_of(begin: float, end: float, places: list[float], clear_m: float) -> list[tuple[float, float]]:
    """What is left of a kerb when `clear_m` round every place is kept free."""
    parts, at = [], begin
    for place in sorted(places):
        if min(place - clear_m, end) > at:
            parts.append((at, min(place - clear_m, end)))
        at = max(at, place + clear_m)
    return [*parts, (at, end)] if at < end else parts
