"""Streets and crossings with their scores and pupils beside them, for a GIS: columns moved together, nothing measured."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# columns that go to the streets' layer, by the table that they come from
_OF_STREETS = {
    "street_attributes": ("road_class", "speed_kmh", "speed_kmh_from", "lanes_total", "lanes_total_from", "sidewalk_left", "sidewalk_right",
                          "lit", "parking"),
    "segment_scores": ("along", "risk", "low_along", "high_along", "share_defaulted", "weak_zone"),
}  # fmt: skip
_OF_CROSSINGS = ("cross", "risk", "low_cross", "high_cross", "share_defaulted", "weak_zone")
JOINED = frozenset({"street_attributes", "segment_scores", "crossing_scores", "pupil_flows"})  # no layers of their own


def streets_with_scores(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The streets with what tells how safe they are, and the pupils of all schools who pass (0: nobody)."""
    streets = frames["streets"]
    for table, columns in _OF_STREETS.items():
        if table in frames:
            mine = frames[table].set_index("edge_id")[list(columns)].reindex(streets["edge_id"])
            streets = streets.assign(**{column: mine[column].array for column in columns})
    return _with_pupils(streets, frames, "edge_id", "edge")


def crossings_with_scores(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Crossings that somebody mapped or pupils pass, with their scores; the others stay in data/processed."""
    crossings = frames["crossings"]
    if "crossing_scores" in frames:
        mine = frames["crossing_scores"].set_index("crossing_id")[list(_OF_CROSSINGS)].reindex(crossings["crossing_id"])
        crossings = crossings.assign(**{column: mine[column].array for column in _OF_CROSSINGS})
    crossings = _with_pupils(crossings, frames, "crossing_id", "crossing")
    return crossings[crossings["mapped"] | (crossings["children"] > 0)].reset_index(drop=True)


def _with_pupils(frame: pd.DataFrame, frames: Mapping[str, pd.DataFrame], key: str, what: str) -> pd.DataFrame:
    if "pupil_flows" not in frames:
        return frame.assign(children=0.0)
    flows = frames["pupil_flows"]
    pupils = flows[flows["item_type"] == what].set_index("item_id")["children"]
    return frame.assign(children=frame[key].map(pupils).fillna(0.0))
