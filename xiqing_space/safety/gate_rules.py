"""School gates against the rules: a row for every gate and rule, with the measure, whose rule it is, and a verdict or why none.

A rule's verdict says what the map or a field sheet shows at one gate; that nothing was mapped is never a breach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.gate_rules import GateRule
from xiqing_space.safety.gate_measures import Measures
from xiqing_space.safety.gate_near import Found
from xiqing_space.safety.gate_places import Places, Roads, find_places, find_vehicle_gates, kept
from xiqing_space.safety.surroundings import things_near, water_near


@dataclass(frozen=True)
class GateInputs:
    """Tables of these names, and the metric system."""

    facilities: pd.DataFrame
    gates: pd.DataFrame
    grounds: pd.DataFrame
    mapped_points: pd.DataFrame
    zones: pd.DataFrame
    streets: pd.DataFrame
    access_links: pd.DataFrame
    street_attributes: pd.DataFrame
    crossings: pd.DataFrame
    barriers: pd.DataFrame
    surroundings: pd.DataFrame
    street_survey: pd.DataFrame
    metric_epsg: int


def check_gates(inputs: GateInputs, catalogue: Catalogue) -> pd.DataFrame:
    """The `gate_rules` table: every gate of the area's schools under every rule for its kind.

    Parameters
    ----------
    inputs : GateInputs
    catalogue : Catalogue
        `gate_rules`, `gate_streets`, `safety`.

    Returns
    -------
    DataFrame
        Guessed gates and gates beyond linking distance are there with the reason. A rule for what is new never fails what exists.
        A shortfall under 宜, or on a street that the document's own definition leaves out, is below_recommended.
    """
    roads = Roads(inputs.streets, catalogue, inputs.metric_epsg)
    vehicles = find_vehicle_gates(inputs.mapped_points, inputs.grounds, inputs.metric_epsg)
    places = find_places(inputs.facilities, inputs.gates, vehicles, inputs.zones, inputs.access_links, inputs.street_attributes,
                         inputs.street_survey, roads, catalogue)  # fmt: skip
    found = _Finder(inputs, places, roads, catalogue)
    parts = [_rows(rule, found.of(rule), places, roads) for rule in catalogue.gate_rules.values()]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


class _Finder:
    """Which measure belongs to which rule."""

    def __init__(self, inputs: GateInputs, places: Places, roads: Roads, catalogue: Catalogue) -> None:
        self._inputs, self._places, self._roads, self._catalogue = inputs, places, roads, catalogue
        measures = Measures(places, inputs.crossings, inputs.street_attributes, inputs.street_survey, roads, catalogue)
        self._of: dict[str, Callable[[GateRule], Found]] = {
            "speed_limit_30": measures.speed, "crossing_50m": measures.crossing, "crossing_width_6m": measures.crossing_width,
            "signals_two_lanes": measures.signals, "junction_100m": measures.junction, "not_on_main_road": measures.main_road,
            "island_16m": measures.island, "sidewalks": measures.sidewalks, "guard_50m": measures.guard,
            "step_free": measures.step_free, "open_water": self._water,
        }  # fmt: skip
        self._flag = measures.flag
        farthest = max((rule.within_m for rule in catalogue.gate_rules.values() if rule.what), default=0.0)
        self._things = things_near(places, inputs.surroundings, roads, catalogue, farthest)

    def of(self, rule: GateRule) -> Found:
        """What is found at all gates."""
        if rule.what:
            return self._count(rule)
        return self._of[rule.id](rule) if rule.id in self._of else self._flag(rule)

    def _count(self, rule: GateRule) -> Found:
        """Things near each gate; of a sort that nobody mapped or listed anywhere nothing is known."""
        count = len(self._places.frame)
        if not self._inputs.surroundings["what"].isin(rule.what).any():
            return Found.nothing(count, "no_data", "none_mapped_or_listed")
        near = self._things[
            (self._things["what"].isin(rule.what) & (self._things["distance_m"] <= rule.within_m)).to_numpy(dtype=bool)
        ]
        found = Found.nothing(count)
        found.put(np.arange(count), "met", np.bincount(near["gate"].to_numpy(dtype=np.int64), minlength=count).astype(float),
                  source="geometry")  # fmt: skip
        return found

    def _water(self, rule: GateRule) -> Found:
        count = len(self._places.frame)
        if self._inputs.barriers.empty:
            return Found.nothing(count, "no_data", "no_barriers_read")
        found = Found.nothing(count)
        beside = self._catalogue.safety["roads"]["water_beside_m"]
        found.put(np.arange(count), "met", water_near(self._places, self._inputs.barriers, self._roads, rule.within_m, beside),
                  source="geometry")  # fmt: skip
        return found


def _rows(rule: GateRule, found: Found, places: Places, roads: Roads) -> pd.DataFrame:
    """Rows of one rule, for the gates of its kinds."""
    frame = places.frame
    verdict, reason, shown = judge(rule, found, frame, _street_class(frame, roads))
    held = [bool(set(kinds.split("|")) & set(rule.kinds)) for kinds in frame["kinds"]]
    table = pd.DataFrame({
        "gate_id": frame["gate_id"], "site_id": frame["site_id"], "rule_id": rule.id, "gate_use": frame["gate_use"],
        "zone_id": frame["zone_id"], "measured": np.where(shown, found.measured, np.nan), "unit": rule.unit, "limit": rule.limit,
        "wording": rule.wording, "document": rule.document, "clause": rule.clause, "status": rule.status,
        "binds_new_only": rule.binds_new_only, "verdict": verdict, "about_id": kept(found.about, shown),
        "measured_from": kept(found.source, shown), "reason": reason, "geometry": frame["geometry"],
    })  # fmt: skip
    return table[np.asarray(held, dtype=bool)]


def _street_class(frame: pd.DataFrame, roads: Roads) -> NDArray[np.object_]:
    """Class of each gate's street; None where it has none."""
    row = roads.ids.get_indexer(pd.Index(frame["road_edge"]))
    row[frame["road_edge"].isna().to_numpy(dtype=bool)] = -1
    return kept(roads.highway[row], row >= 0) if len(roads.highway) else np.full(len(frame), None, dtype=object)


def judge(
    rule: GateRule, found: Found, frame: pd.DataFrame, street: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.object_], NDArray[np.bool_]]:
    """Verdict and reason of one rule at all gates, and whether the measure may be shown.

    Parameters
    ----------
    rule : GateRule
    found : Found
    frame : DataFrame
        Of `Places`: columns gate_use, reason.
    street : object (n,)
        Class of each gate's street.

    Returns
    -------
    verdict, reason : object (n,)
    shown : bool (n,)
        Not at a guessed gate, nor at one that stands on no street.
    """
    state = found.state
    own = frame["reason"].to_numpy(dtype=object)
    vehicle = (frame["gate_use"] == "vehicle").to_numpy(dtype=bool)
    off = np.full(len(frame), False) if rule.gates == "any" else vehicle
    closed = pd.notna(own) | off
    verdict = np.full(len(frame), "unknown", dtype=object)
    reason = np.where(pd.notna(own), own, np.where(off, "vehicle_gate", found.reason)).astype(object)
    open_ = ~closed
    verdict[open_ & (state == "no_data")] = "no_data"
    told = open_ & (state != "no_data") & (state != "unknown")
    if not rule.gives_verdict:
        plain = f"reference_{rule.status}"
        if rule.direction == "none":
            plain = "to_verify" if rule.what else plain
            nothing = ~(found.measured > 0) if rule.what else np.isnan(found.measured)
            reason[told] = np.where(nothing, "none_found", plain)[told]
        else:
            reason[told] = np.where(state == "not_asked", found.reason, plain)[told]
        return verdict, reason, open_
    verdict[told & ((state == "met") | (state == "not_asked"))] = "meets"
    short = told & (state == "short")
    verdict[short] = "below_recommended"
    binding = np.isin(street.astype(str), rule.roads) if rule.roads else np.full(len(frame), True)
    if rule.wording == "应" and not rule.binds_new_only:
        verdict[short & binding] = "fails_mandatory"
        reason[short & ~binding] = "smaller_street"
    if rule.binds_new_only:
        reason[short] = "binds_new_only"
    return verdict, reason, open_
