"""What is found at each school gate for each rule: a figure, what it rests on, and whether the rule is met, missed or open."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.gate_rules import GateRule
from xiqing_space.network.reach import nearest_along
from xiqing_space.safety.gate_near import Found, along_street, crossings_near, groups, says_yes, told_crossings
from xiqing_space.safety.gate_places import Places, Roads
from xiqing_space.safety.plausible import observed

NO_ROAD = "no_road_within_100m"
_SIDEWALKS = ("barrier", "separated_3m", "separated_1_3m", "separated_0_1m")
_CONTROLLED = ("marked", "signals", "grade_separated")


class Measures:
    """Everything that the rules about streets and crossings are measured from.

    Parameters
    ----------
    places : Places
    crossings, street_attributes, survey : DataFrame
        Tables `crossings`, `street_attributes`, `street_survey`.
    roads : Roads
    catalogue : Catalogue
    """

    def __init__(
        self, places: Places, crossings: pd.DataFrame, street_attributes: pd.DataFrame, survey: pd.DataFrame, roads: Roads,
        catalogue: Catalogue,
    ) -> None:  # fmt: skip
        self.places, self.roads, self.catalogue, self.survey = places, roads, catalogue, survey
        self.count = len(places.frame)
        self.attributes = street_attributes.set_index("edge_id").reindex(roads.ids)
        self.crossings = told_crossings(crossings, survey)
        self.near = crossings_near(places, self.crossings, roads, catalogue.gate_streets.crossing_search_m)
        self.road_row = roads.ids.get_indexer(pd.Index(places.frame["road_edge"]))
        self.road_row[places.frame["road_edge"].isna().to_numpy(dtype=bool)] = -1

    def speed(self, rule: GateRule) -> Found:
        """Highest limit on the gate's own street within a distance on both sides of it."""
        found = Found.nothing(self.count, reason=NO_ROAD)
        gate, edge = along_street(self.places, self.roads.named, rule.within_m)
        row = self.roads.ids.get_indexer(pd.Index(self.roads.named.edge_id[edge]))
        seen = observed(self.attributes, "speed_kmh")[row]
        speed = self.attributes["speed_kmh"].to_numpy(dtype=float)[row]
        for mine in groups(gate):
            known = mine[seen[mine]]
            over = known[speed[known] > rule.limit]
            pool, state = (over, "short") if len(over) else (mine, "met" if seen[mine].all() else "unknown")
            worst = pool[np.lexsort((row[pool], -speed[pool]))[0]]
            source = self.attributes["speed_kmh_from"].iloc[row[worst]]
            reason = "default_value" if state == "unknown" else None
            found.put(
                gate[mine[0]],
                state,
                speed[worst],
                self.roads.ids[row[worst]],
                source if state != "unknown" else "default",
                reason,
            )
        return found

    def crossing(self, rule: GateRule) -> Found:
        """Distance to the nearest crossing that is marked, signalised or grade-separated."""
        found = Found.nothing(self.count, "no_data", "no_crossing_mapped")
        found.put(self._unlinked(), "unknown", reason="no_street_within_250m")
        known, unclear_, control = (self.crossings[name].to_numpy() for name in ("known", "unclear", "control"))
        controlled = np.isin(control.astype(str), _CONTROLLED) & known
        ids, sources = (self.crossings[name].to_numpy(dtype=object) for name in ("crossing_id", "control_from"))
        near = self._mapped_near()
        every, distance = near["crossing"].to_numpy(), near["distance_m"].to_numpy()
        for mine in groups(near["gate"].to_numpy()):  # each gate's crossings, the nearest first
            gate = int(near["gate"].iloc[mine[0]])
            useful, unclear = mine[controlled[every[mine]]], mine[unclear_[every[mine]]]
            if len(useful) and distance[useful[0]] <= rule.limit:
                found.put(gate, "met", distance[useful[0]], ids[every[useful[0]]], sources[every[useful[0]]])
            elif len(unclear) and distance[unclear[0]] <= rule.limit:
                found.put(gate, "unknown", distance[unclear[0]], ids[every[unclear[0]]], "default", "control_unknown")
            elif len(useful):
                found.put(gate, "short", distance[useful[0]], ids[every[useful[0]]], "geometry")
            else:  # crossings are mapped here, and none near enough counts
                found.put(gate, "short", source="geometry")
        return found

    def crossing_width(self, rule: GateRule) -> Found:
        """Width of the zebra by the gate: from field sheets alone, for no map holds it."""
        found = self._no_crossing(rule)
        said = self.survey[
            ((self.survey["item_type"] == "crossing") & (self.survey["field"] == "marking_width_m")).to_numpy(
                dtype=bool
            )
        ]
        width = pd.to_numeric(pd.Series(said["value"].to_numpy(), index=said["item_id"].to_numpy()), errors="coerce")
        for gate, mine in self._at_grade(rule.within_m):
            ids = self.crossings["crossing_id"].to_numpy(dtype=object)[mine]
            known = width.reindex(ids).to_numpy(dtype=float)
            if np.isnan(known).all():
                found.put(gate, "unknown", about=ids[0], reason="width_unknown")
                continue
            at = int(np.nanargmin(known))  # the narrowest of those that were measured
            found.put(gate, "met" if known[at] >= rule.limit else "short", known[at], ids[at], "survey")
        return found

    def signals(self, rule: GateRule) -> Found:
        """Whether crossings by the gate have signals where the road has so many lanes in one direction."""
        found = self._no_crossing(rule)
        edge = self.roads.ids.get_indexer(pd.Index([one.partition("|")[0] for one in self.crossings["road_edge_ids"]]))
        lanes = self.attributes["lanes_per_dir"].to_numpy(dtype=float)[edge]
        known_lanes = (edge >= 0) & observed(self.attributes, "lanes_per_dir")[edge]
        control = self.crossings["control"].to_numpy(dtype=object)
        for gate, mine in self._at_grade(rule.within_m):
            asked = mine[known_lanes[mine] & (lanes[mine] >= rule.limit)]
            bare, doubted = asked[control[asked] != "signals"], mine[~known_lanes[mine] & (control[mine] != "signals")]
            if len(bare):
                pool, state, reason = bare, "short", None
            elif len(doubted):
                pool, state, reason = doubted, "unknown", "default_value"
            else:
                pool, state, reason = (asked, "met", None) if len(asked) else (mine, "not_asked", "does_not_apply")
            self._most(found, gate, pool, lanes, state, reason, "control_from")
        return found

    def island(self, rule: GateRule) -> Found:
        """Whether crossings by the gate that are longer than the limit have a refuge island."""
        found = self._no_crossing(rule)
        width = self.crossings["width_m"].to_numpy(dtype=float)
        seen, told = observed(self.crossings, "width_m"), observed(self.crossings, "island")
        island = self.crossings["island"].to_numpy(dtype=bool)
        for gate, mine in self._at_grade(rule.within_m):
            long = mine[seen[mine] & (width[mine] > rule.limit)]
            bare = long[told[long] & ~island[long]]
            doubted = mine[
                (~seen[mine] & ~(told[mine] & island[mine])) | (seen[mine] & (width[mine] > rule.limit) & ~told[mine])
            ]
            if len(bare):
                pool, state, reason = bare, "short", None
            elif len(doubted):
                pool, state, reason = doubted, "unknown", "default_value"
            else:
                pool, state, reason = (long, "met", None) if len(long) else (mine, "not_asked", "does_not_apply")
            self._most(found, gate, pool, width, state, reason, "width_m_from")
        return found

    def junction(self, rule: GateRule) -> Found:
        """Distance along the street to the nearest junction; driveways make none."""
        found = Found.nothing(self.count, reason=NO_ROAD)
        graph, skips = self.roads.road, self.catalogue.gate_streets.junction_skips
        rows, own = self.places.on(graph, "road")
        if not len(rows):
            return found
        highway = self.roads.highway[self.roads.ids.get_indexer(pd.Index(graph.edge_id))]
        counts = ~np.isin(highway.astype(str), skips)
        legs = np.bincount(np.concatenate([graph.u[counts], graph.v[counts]]), minlength=graph.n_nodes)
        nodes = np.flatnonzero(legs >= 3)
        found.put(rows, "met", reason="beyond_search_limit", source="geometry")
        if not len(nodes):
            return found
        distance, seed = nearest_along(
            graph, self.roads.seeds_at(graph, nodes), own, self.catalogue.gate_streets.junction_search_m
        )
        for row, metres, at in zip(rows, distance, seed, strict=True):
            if at >= 0:
                found.put(row, "met" if metres >= rule.limit else "short", metres, graph.node_id[nodes[at]], "geometry")
        return found

    def main_road(self, _: GateRule) -> Found:
        """Whether the gate opens on to a main road or a numbered highway."""
        found = Found.nothing(self.count, reason=NO_ROAD)
        there = np.flatnonzero(self.road_row >= 0)
        streets, row = self.catalogue.gate_streets, self.road_row[there]
        pattern = re.compile(streets.main_ref)
        ref = self.roads.table["ref"].to_numpy(dtype=object)[row]
        numbered = np.array([isinstance(one, str) and bool(pattern.match(one)) for one in ref], dtype=bool)
        main = np.isin(self.roads.highway[row].astype(str), streets.main_roads) | numbered
        main &= self.places.frame["on_road"].to_numpy(dtype=bool)[there]
        ids = self.roads.ids.to_numpy(dtype=object)[row]
        for on, state in ((False, "met"), (True, "short")):
            mine = main == on
            found.put(there[mine], state, float(on), ids[mine], "tag")
        return found

    def sidewalks(self, rule: GateRule) -> Found:
        """Sides of the gate's street with a sidewalk; of one carriageway of two the outer one stands for both."""
        found = Found.nothing(self.count, reason=NO_ROAD)
        there = np.flatnonzero(self.road_row >= 0)
        mine = self.attributes.iloc[self.road_row[there]]
        sides = [mine[f"sidewalk_{side}"].isin(_SIDEWALKS).to_numpy(dtype=bool) for side in ("left", "right")]
        seen = [observed(mine, f"sidewalk_{side}") for side in ("left", "right")]
        paired = mine["pair_id"].notna().to_numpy(dtype=bool)
        has = np.where(paired, 2.0 * (sides[0] | sides[1]), sides[0].astype(float) + sides[1])
        known = np.where(paired, (seen[0] & seen[1]) | (seen[0] & sides[0]) | (seen[1] & sides[1]), seen[0] & seen[1])
        ids = self.roads.ids.to_numpy(dtype=object)[self.road_row[there]]
        source = mine["sidewalk_left_from"].to_numpy(dtype=object)
        for row, count, sure, about, whence in zip(there, has, known, ids, source, strict=True):
            state = ("met" if count >= rule.limit else "short") if sure else "unknown"
            found.put(
                row, state, count, about, (whence or "tag") if sure else "default", None if sure else "default_value"
            )
        return found

    def step_free(self, rule: GateRule) -> Found:
        """Footbridges and underpasses near the gate that have steps only."""
        found = Found.nothing(self.count, "not_asked", "does_not_apply")
        over = self.crossings["control"].eq("grade_separated").to_numpy(dtype=bool)
        sure, free = observed(self.crossings, "step_free"), self.crossings["step_free"].to_numpy(dtype=bool)
        ids = self.crossings["crossing_id"].to_numpy(dtype=object)
        for gate, mine in self._within(rule.within_m, over):
            steps = mine[sure[mine] & ~free[mine]]
            if len(steps):
                found.put(gate, "short", float(len(steps)), ids[steps[0]], "tag")
            elif sure[mine].all():
                found.put(gate, "met", 0.0, ids[mine[0]], "tag")
            else:
                found.put(gate, "unknown", about=ids[mine[~sure[mine]][0]], source="default", reason="default_value")
        return found

    def guard(self, rule: GateRule) -> Found:
        """Guards within the area by the gate, from lists and field sheets alone."""
        found = Found.nothing(self.count, reason="no_list")
        answers = self._said_of_gates("guard")
        found.put(np.flatnonzero(answers == 0), "short", 0.0, source="survey")
        guarded = observed(self.crossings, "guard") & self.crossings["guard"].to_numpy(dtype=bool)
        ids = self.crossings["crossing_id"].to_numpy(dtype=object)
        found.put(np.flatnonzero(answers == 1), "met", 1.0, source="survey")
        for gate, mine in self._within(rule.within_m, guarded):
            found.put(gate, "met", float(len(mine)), ids[mine[0]], "survey")
        return found

    def flag(self, rule: GateRule) -> Found:
        """What somebody saw on site: at the gate, on its street, or at a crossing near it; yes at one of them is yes."""
        found = Found.nothing(self.count, "no_data", "not_surveyed")
        said = self.survey[(self.survey["field"] == rule.id).to_numpy(dtype=bool)]
        answer = said.assign(yes=says_yes(said["value"]))
        frame = self.places.frame
        spots = [pd.Series(frame[name].to_numpy(dtype=object)) for name in ("gate_id", "road_edge", "walk_edge")]
        near = self.near[(self.near["distance_m"] <= rule.within_m).to_numpy(dtype=bool)]
        parts = [pd.DataFrame({"gate": np.arange(self.count), "item_id": one}) for one in spots]
        parts.append(
            pd.DataFrame(
                {
                    "gate": near["gate"].to_numpy(),
                    "item_id": self.crossings["crossing_id"].to_numpy(dtype=object)[near["crossing"]],
                }
            )
        )
        asked = pd.concat(parts, ignore_index=True).merge(answer[["item_id", "yes"]], on="item_id")
        asked = asked.sort_values(["gate", "yes", "item_id"], ascending=[True, False, True]).drop_duplicates("gate")
        for gate, item, yes in asked[["gate", "item_id", "yes"]].itertuples(index=False):
            found.put(gate, "met", float(yes), item, "survey")
        return found

    def _said_of_gates(self, field: str) -> NDArray[np.float64]:
        mine = self.survey[
            ((self.survey["item_type"] == "gate") & (self.survey["field"] == field)).to_numpy(dtype=bool)
        ]
        answers = dict(zip(mine["item_id"], says_yes(mine["value"]).astype(float), strict=True))
        own, school = (np.asarray(self.places.frame[name].map(answers), dtype=float) for name in ("gate_id", "site_id"))
        return np.where(np.isnan(own), school, own)  # what is said of a school is said of all its gates

    def _unlinked(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.places.frame["walk_edge"].isna().to_numpy(dtype=bool))

    def _within(self, within_m: float, which: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.int64]]]:
        """Each gate with the crossings of some sort near it, the nearest first."""
        near = self.near[(self.near["distance_m"] <= within_m).to_numpy(dtype=bool)]
        near = near[which[near["crossing"]]]
        gate, crossing = near["gate"].to_numpy(), near["crossing"].to_numpy()
        return [(int(gate[mine[0]]), crossing[mine]) for mine in groups(gate)]

    def _at_grade(self, within_m: float) -> list[tuple[int, NDArray[np.int64]]]:
        """Each gate with the marked and signalised crossings near it."""
        marked = self.crossings["control"].isin(("marked", "signals")).to_numpy(dtype=bool)
        return self._within(within_m, marked & self.crossings["known"].to_numpy(dtype=bool))

    def _mapped_near(self) -> pd.DataFrame:
        """Crossings near each gate that show that crossings are mapped there."""
        seen = (self.crossings["known"] | self.crossings["unclear"]).to_numpy(dtype=bool)
        return self.near[seen[self.near["crossing"].to_numpy()]]

    def _no_crossing(self, rule: GateRule) -> Found:
        """What a rule for the crossing by the gate says where none is known: nothing is asked beside a footbridge, else it is open."""
        found = Found.nothing(self.count, "no_data", "no_crossing_mapped")
        found.put(self._mapped_near()["gate"].to_numpy(), "unknown", reason="no_crossing_near")
        over = self.crossings["control"].eq("grade_separated").to_numpy(dtype=bool)
        for gate, _ in self._within(rule.within_m, over):
            found.put(gate, "not_asked", reason="does_not_apply")
        for gate, mine in self._within(rule.within_m, self.crossings["unclear"].to_numpy(dtype=bool)):
            about = self.crossings["crossing_id"].iloc[mine[0]]
            found.put(gate, "unknown", about=about, source="default", reason="control_unknown")
        return found

    def _most(
        self, found: Found, gate: int, pool: NDArray[np.int64], values: NDArray[np.float64], state: str, reason: str | None,
        source: str,
    ) -> None:  # fmt: skip
        """Fill in the crossing with the greatest value, the nearest where several have it; `source`: column that says whence."""
        row = self.crossings.iloc[pool[np.argmax(values[pool])]]
        whence = "default" if state == "unknown" else row[source]
        found.put(gate, state, values[row.name], row["crossing_id"], whence, reason)
