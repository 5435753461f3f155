"""What else may be true of a street or crossing that nobody looked at: its attributes at their most and least favourable.

An end never lies inside of the value that counts: where that one is already better or worse, it is the end itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FAVOURABLE, MAIN, UNFAVOURABLE = 0, 1, 2
OBSERVED = ("tag", "survey")
_GOOD = ("lit", "calming", "island", "raised")  # flags that lower the risk
_CONTROLS = {"grade_separated": 0.0, "signals": 1.0, "marked": 2.0, "none": 3.0}
_TABLES = {
    "sidewalk_left": "sidewalk",
    "sidewalk_right": "sidewalk",
    "surface": "surface",
}  # words ranked by their factor
_FALLBACK = "unclassified"  # a class that the catalogue has no defaults for


def observed(table: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Whether an attribute was mapped or surveyed; where nothing says so it was not."""
    return np.asarray(table[f"{name}_from"].isin(OBSERVED), dtype=bool)


def plausible_segments(attributes: pd.DataFrame, safety: Mapping[str, Any], end: int) -> dict[str, Any]:
    """Columns that `along_score` reads, with one end of what is plausible where an attribute is a default.

    Parameters
    ----------
    attributes : DataFrame
        `street_attributes`.
    safety : mapping
        `catalogue.safety`.
    end : {FAVOURABLE, UNFAVOURABLE}
        Which end.
    """
    where = _Classes(attributes["road_class"], attributes["road_status"], safety)
    every = safety["defaults_all"]
    values: dict[str, Any] = {name: attributes[name].to_numpy() for name in ("flow_per_lane", "median")}
    chosen: dict[str, Any] = {
        "speed_kmh": where.of("speed_kmh", end),
        "lanes_per_dir": where.of("lanes", end),
        "sidewalk_left": where.of("sidewalk", end),
        "sidewalk_right": where.of("sidewalk", end),
        "lit": np.where(where.highway, every["lit_highway"][end], every["lit"][end]),
        "surface": every["surface"][end],
        "calming": every["calming"][end],
    }
    return values | _ends(attributes, chosen, safety["factors"], end)


def plausible_crossings(crossings: pd.DataFrame, safety: Mapping[str, Any], end: int) -> dict[str, Any]:
    """Columns that `cross_score` reads, with one end of what is plausible where an attribute is a default.

    Lanes keep the proportion of their class: 4 of 2 × 2 become 2 × 1 or 2 × 3. A way over or under the road is there or is not;
    what stops traffic, or a guard, is never assumed where the way is grade-separated or no list names it.

    Parameters
    ----------
    crossings : DataFrame
        The table of that name.
    safety : mapping
        `catalogue.safety`.
    end : {FAVOURABLE, UNFAVOURABLE}
        Which end.
    """
    highway = is_highway(crossings["road_ref"], safety)
    where = _Classes(crossings["road_highway"], np.where(highway, "highway", "urban"), safety)
    every = safety["defaults_all"]
    fixed = ("place", "legs", "road_highway", "arterial", "flow_per_lane", "surface", "parking", "calming", "guard")
    values: dict[str, Any] = {name: crossings[name].to_numpy() for name in fixed}
    junction = crossings["place"].eq("junction").to_numpy()
    control = np.where(junction, every["control_junction"][end], every["control"][end])
    over = crossings["control"].eq("grade_separated").to_numpy()
    lanes = crossings["lanes_crossed"].to_numpy(dtype=float)
    chosen: dict[str, Any] = {
        "speed_kmh": where.of("speed_kmh", end),
        "lanes_crossed": lanes * where.of("lanes", end) / where.of("lanes", MAIN),
        "lit": np.where(where.highway, every["lit_highway"][end], every["lit"][end]),
        "control": np.where(over, "grade_separated", control),
        "island": every["island"][end],
        "raised": every["raised"][end],
    }
    return values | _ends(crossings, chosen, safety["factors"], end)


def _ends(table: pd.DataFrame, chosen: Mapping[str, Any], factors: Mapping[str, Any], end: int) -> dict[str, Any]:
    """Each attribute as seen; where nobody looked, the farther of its own value and the end of what is plausible."""
    values: dict[str, Any] = {}
    for name, plausible in chosen.items():
        own = table[name].to_numpy()
        rank = _CONTROLS if name == "control" else factors[_TABLES[name]] if name in _TABLES else None
        mine, theirs = _ranked(own, rank), _ranked(np.broadcast_to(np.asarray(plausible), own.shape), rank)
        if name in _GOOD:
            mine, theirs = -mine, -theirs
        farther = theirs < mine if end == FAVOURABLE else theirs > mine
        values[name] = np.where(farther & ~observed(table, name), plausible, own)
    return values


def _ranked(values: Any, rank: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Values as numbers that grow with the risk; a word that is missing ranks nowhere."""
    if rank is None:
        return np.asarray(values, dtype=float)
    codes, names = pd.factorize(np.asarray(values, dtype=object))
    return np.asarray(np.array([*(rank[name] for name in names), np.nan])[codes])


def is_highway(ref: Any, safety: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Whether a road's number makes it a 公路 of nation, province, county or township; without a number an urban street."""
    pattern = re.compile(safety["roads"]["highway_ref"])
    codes, names = pd.factorize(np.asarray(ref, dtype=object))
    return np.asarray(np.array([*(bool(pattern.match(str(name))) for name in names), False])[codes])


class _Classes:
    """Default ranges by the class and status of each row."""

    def __init__(self, road_class: Any, status: Any, safety: Mapping[str, Any]) -> None:
        self._defaults, same = safety["defaults"], safety["same_defaults"]
        self.highway = np.asarray(status, dtype=object) == "highway"
        codes, names = pd.factorize(np.asarray(road_class, dtype=object))
        own = [same.get(name, name) for name in names]
        self._names = [*(name if name in self._defaults else _FALLBACK for name in own), _FALLBACK]
        self._codes = codes

    def of(self, attribute: str, end: int) -> Any:
        """One end of an attribute's range in each row."""
        cases = [
            np.array([self._defaults[name][status][attribute][end] for name in self._names])
            for status in ("urban", "highway")
        ]
        return np.where(self.highway, cases[1][self._codes], cases[0][self._codes])
