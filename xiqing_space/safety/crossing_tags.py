"""What the tags of a mapped crossing say of it, and what points on the road nearby add."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.safety.legs import Legs, Passages

_MARKINGS = {"no": "none", "surface": "none"}  # of crossing:markings; every other value is a marking
_ISLANDS = {"yes": True, "no": False}
_KERBS = {"lowered": True, "flush": True, "no": True, "raised": False}
_WHEELCHAIR = {"yes": True, "designated": True, "no": False}
_RAISED = ("table", "raised_crossing")
_DEGREE_UNITS = 1e7  # places are held to 7 digits of a degree
_ROW = 1 << 33  # between the longitudes of two neighbouring latitudes, in those units


def tagged(tags: pd.Series, control: pd.Series) -> pd.DataFrame:
    """Control, island, raised and step_free of mapped crossings; None where the tags do not tell.

    Parameters
    ----------
    tags : Series of str
        JSON.
    control : Series of str or missing
        What the reader of the extract made of them; crossing:markings tells where that is missing.
    """
    code, texts = pd.factorize(tags.to_numpy(dtype=object))
    read = [_read(json.loads(text)) for text in texts]
    columns = {name: np.array([one[name] for one in read] or [None], dtype=object)[code] for name in _read({})}
    frame = pd.DataFrame(columns, index=tags.index, dtype=object)
    known = control.notna().to_numpy(dtype=bool)
    frame["control"] = np.where(known, control.to_numpy(dtype=object), frame["control"].to_numpy(dtype=object))
    return frame


def _read(tags: dict[str, str]) -> dict[str, Any]:
    crossing, calming, markings = (tags.get(key) for key in ("crossing", "traffic_calming", "crossing:markings"))
    control = None if markings is None else _MARKINGS.get(markings, "marked")
    island = _ISLANDS.get(tags.get("crossing:island", ""))
    if crossing == "island" or calming == "island":
        island = True
    step_free = _KERBS.get(tags.get("kerb", ""), _WHEELCHAIR.get(tags.get("wheelchair", "")))
    return {
        "control": control,
        "island": island,
        "raised": True if calming in _RAISED else None,
        "step_free": step_free,
    }


def points_on_roads(legs: Legs, points: pd.DataFrame, directed: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How near points drawn on roads lie to each end of their edge, and at which nodes there is one.

    Parameters
    ----------
    legs : Legs
    points : DataFrame
        Rows of `road_points`, all of one kind.
    directed : bool
        Whether a point counts only for the junction ahead of the traffic that it stops, where its tags name a direction.

    Returns
    -------
    float64 (2e,)
        Metres along the edge from the end to the nearest point; inf where there is none.
    bool (n,)
    """
    near, at_node = np.full(len(legs.node), np.inf), np.zeros(len(legs.node_id), dtype=bool)
    if not len(points):
        return near, at_node
    places = np.asarray([[one.x, one.y] for one in points["geometry"]])
    key, row = np.unique(_keys(places), return_index=True)
    vertex_key = _keys(legs.vertex)
    found = np.minimum(np.searchsorted(key, vertex_key), len(key) - 1)
    vertex = np.flatnonzero(key[found] == vertex_key)
    edge = np.searchsorted(legs.start, vertex, side="right") - 1
    road = legs.road[edge]
    vertex, edge = vertex[road], edge[road]
    along = legs.vertex_m[vertex]
    stops = np.array([_direction(text) if directed else "both" for text in points["tags"]], dtype=object)[
        row[found[vertex]]
    ]
    to_u, to_v = stops != "forward", stops != "backward"
    np.minimum.at(near, 2 * edge[to_u], along[to_u])
    np.minimum.at(near, 2 * edge[to_v] + 1, (legs.length_m[edge] - along)[to_v])
    at_node[legs.node[2 * edge[vertex == legs.start[edge]]]] = True
    at_node[legs.node[2 * edge[vertex == legs.start[edge + 1] - 1] + 1]] = True
    return near, at_node


def along_legs(
    legs: Legs, passages: Passages, points: tuple[NDArray[np.float64], NDArray[np.bool_]], reach_m: float
) -> NDArray[np.bool_]:
    """Which ends are legs of a junction that has such a point at its node, or on that leg within reach."""
    near, at_node = points
    found: NDArray[np.bool_] = at_node[legs.node] & (legs.count[legs.node] >= 3)
    found[passages.leg[passages.begin_m + near[passages.end] <= reach_m]] = True
    return found


def _direction(tags: str) -> str:
    return str(json.loads(tags).get("traffic_signals:direction", "both"))


def _keys(lonlat: NDArray[np.float64]) -> NDArray[np.int64]:
    units = np.rint(lonlat * _DEGREE_UNITS).astype(np.int64)
    key: NDArray[np.int64] = units[:, 1] * _ROW + units[:, 0]
    return key
