"""Streets and crossings as rows to be scored, everything seen, and the score of one."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xiqing_space.catalog import load_catalogue
from xiqing_space.safety.score import along_score, cross_score

CATALOGUE = load_catalogue()
SAFETY = CATALOGUE.safety
FACTORS = SAFETY["factors"]
SEGMENT_SOURCED = ("speed_kmh", "lanes_per_dir", "sidewalk_left", "sidewalk_right", "lit", "surface", "calming")
CROSSING_SOURCED = ("speed_kmh", "lit", "lanes_crossed", "control", "island", "raised", "guard")


def street(**changes: Any) -> dict[str, Any]:
    """An edge with a sidewalk at the kerb, everything seen."""
    row: dict[str, Any] = {
        "edge_id": "e", "road_class": "residential", "road_status": "urban", "speed_kmh": 30.0, "lanes_per_dir": 1,
        "sidewalk_left": "separated_0_1m", "sidewalk_right": "separated_0_1m", "lit": True, "surface": "good",
        "calming": False, "median": "none", "flow_per_lane": 500.0, **{f"{name}_from": "tag" for name in SEGMENT_SOURCED},
    }  # fmt: skip
    return {**row, **changes}


def crossing(**changes: Any) -> dict[str, Any]:
    """A crossing of two lanes with nothing, between junctions, everything seen."""
    row: dict[str, Any] = {
        "crossing_id": "c", "place": "block", "legs": 2, "road_highway": "residential", "road_ref": None, "arterial": False,
        "speed_kmh": 30.0, "lanes_crossed": 2, "control": "none", "island": False, "raised": False, "guard": False, "lit": True,
        "surface": "good", "parking": "none", "calming": False, "flow_per_lane": 500.0,
        **{f"{name}_from": "tag" for name in CROSSING_SOURCED},
    }  # fmt: skip
    return {**row, **changes}


def junction(legs: int, **changes: Any) -> dict[str, Any]:
    """A leg of a junction."""
    return crossing(place="junction", legs=legs, **changes)


def along_of(**changes: Any) -> float:
    """Score of walking along one edge."""
    return float(along_score(pd.DataFrame([street(**changes)]), FACTORS)[0])


def cross_of(row: dict[str, Any], *, speed_rule: bool = True) -> float:
    """Score of one crossing."""
    return float(cross_score(pd.DataFrame([row]), FACTORS, speed_rule=speed_rule)[0])
