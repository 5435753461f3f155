"""What a work makes of a crossing or street: where it makes sense, and the score with it done.

Nothing that a work does makes an attribute worse: a road that is already slower keeps its speed, a bridge is no zebra afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.treatments import Change, Only
from xiqing_space.safety.score import CONTROLS, along_score, cross_score
from xiqing_space.schemas.safety import SIDEWALKS

DIGITS = 4  # scores are classed as written
_AT_GRADE = ("none", "marked", "signals")
OF_CROSSING = ("place", "legs", "road_highway", "arterial", "speed_kmh", "lanes_crossed", "control", "island", "raised", "guard",
               "flow_per_lane", "lit", "surface", "parking", "calming")  # fmt: skip
OF_STREET = (
    "speed_kmh",
    "lanes_per_dir",
    "sidewalk_left",
    "sidewalk_right",
    "flow_per_lane",
    "lit",
    "surface",
    "calming",
    "median",
)


def crossing_fits(crossings: pd.DataFrame, only: Only) -> NDArray[np.bool_]:
    """Where a work on a crossing makes sense."""
    fits = np.ones(len(crossings), dtype=bool)
    if only.control:
        fits &= crossings["control"].isin(only.control).to_numpy(dtype=bool)
    for name in ("island", "raised", "guard", "lit", "arterial"):
        if (wanted := getattr(only, name)) is not None:
            fits &= crossings[name].to_numpy(dtype=bool) == wanted
    if only.over_lanes is not None or only.over_width_m is not None:
        lanes, width = (crossings[name].to_numpy(dtype=float) for name in ("lanes_crossed", "width_m"))
        fits &= (lanes > (only.over_lanes or np.inf)) | (width > (only.over_width_m or np.inf))
    return np.asarray(fits & _road_fits(crossings["road_highway"], crossings["speed_kmh"], only))


def _road_fits(highway: pd.Series, speed_kmh: pd.Series, only: Only) -> NDArray[np.bool_]:
    speed = speed_kmh.to_numpy(dtype=float)
    fits = ~highway.isin(only.not_roads).to_numpy(dtype=bool)
    if only.roads:
        fits &= highway.isin(only.roads).to_numpy(dtype=bool)
    if only.most_speed_kmh is not None:
        fits &= speed <= only.most_speed_kmh
    if only.over_speed_kmh is not None:
        fits &= speed > only.over_speed_kmh
    return np.asarray(fits, dtype=bool)


def crossing_after(crossings: pd.DataFrame, change: Change, catalogue: Catalogue) -> NDArray[np.float64]:
    """Scores of crossings with a work done; what is better already stays."""
    values: dict[str, Any] = {name: crossings[name].to_numpy() for name in OF_CROSSING}
    if change.control is not None:
        rank = {name: at for at, name in enumerate(CONTROLS)}
        better = np.array([rank[one] for one in crossings["control"]], dtype=int) < rank[change.control]
        values["control"] = np.where(better, change.control, crossings["control"].to_numpy(dtype=object))
    for name in ("island", "raised", "guard", "lit", "calming"):
        if getattr(change, name):
            values[name] = np.ones(len(crossings), dtype=bool)
    if change.guard:  # there is nobody to guard where traffic runs above or below
        values["guard"] = crossings["guard"].to_numpy(dtype=bool) | crossings["control"].isin(_AT_GRADE).to_numpy(
            dtype=bool
        )
    if change.speed_kmh is not None:
        values["speed_kmh"] = np.minimum(crossings["speed_kmh"].to_numpy(dtype=float), change.speed_kmh)
    return cross_score(values, catalogue.safety["factors"]).round(DIGITS)


def street_fits(attributes: pd.DataFrame, only: Only, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Where a work on a street makes sense; on ways away from roads none does."""
    fits = ~attributes["road_class"].isin(["foot"]).to_numpy(dtype=bool)
    if only.sidewalk:
        fits &= np.any([attributes[name].isin(only.sidewalk) for name in ("sidewalk_left", "sidewalk_right")], axis=0)
    if only.lit is not None:
        fits &= attributes["lit"].to_numpy(dtype=bool) == only.lit
    if only.arterial is not None:
        fits &= (
            attributes["road_class"].isin(catalogue.safety["roads"]["arterial"]).to_numpy(dtype=bool) == only.arterial
        )
    return np.asarray(fits & _road_fits(attributes["road_class"], attributes["speed_kmh"], only))


def street_after(attributes: pd.DataFrame, change: Change, catalogue: Catalogue) -> NDArray[np.float64]:
    """Scores along streets with a work done; what is better already stays."""
    values: dict[str, Any] = {name: attributes[name].to_numpy() for name in OF_STREET}
    if change.sidewalk is not None:
        rank = {name: at for at, name in enumerate(SIDEWALKS)}  # the best first
        for name in ("sidewalk_left", "sidewalk_right"):
            worse = np.array([rank[one] for one in attributes[name]], dtype=int) > rank[change.sidewalk]
            values[name] = np.where(worse, change.sidewalk, attributes[name].to_numpy(dtype=object))
    if change.speed_kmh is not None:
        values["speed_kmh"] = np.minimum(attributes["speed_kmh"].to_numpy(dtype=float), change.speed_kmh)
    for name in ("lit", "calming"):
        if getattr(change, name):
            values[name] = np.ones(len(attributes), dtype=bool)
    foot = (attributes["road_class"] == "foot").to_numpy(dtype=bool)
    return np.where(foot, 0.0, along_score(values, catalogue.safety["factors"])).round(DIGITS)
