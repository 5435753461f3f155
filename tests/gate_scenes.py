"""A school's gate on a drawn street, as tables: what the rules of gates read, without an extract; and what they said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import shapely
from helpers import box, degrees

from xiqing_space.catalog import load_catalogue
from xiqing_space.safety.gate_rules import GateInputs, check_gates

CATALOGUE = load_catalogue()
EPSG = 4548


def point(x: float, y: float) -> Any:
    """A point in metres."""
    return shapely.Point(degrees(x, y))


def line(*places: tuple[float, float]) -> Any:
    """A line in metres."""
    return shapely.LineString([degrees(*place) for place in places])


@dataclass
class Scene:
    """A main street along y = 0, cut each 100 m from -400 to 400; a side street north from (300, 0); a gate over (30, 0).

    Junction: (300, 0), 270 m from the gate's foot. Edges are e-400 … e300 (by where they begin) and side.
    """

    highway: str = "secondary"
    edges: dict[str, dict[str, Any]] = field(default_factory=dict)
    crossings: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)
    grounds: list[dict[str, Any]] = field(default_factory=list)
    barriers: list[dict[str, Any]] = field(default_factory=list)
    things: list[dict[str, Any]] = field(default_factory=list)
    survey: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for west in range(-400, 400, 100):
            self.edge(f"e{west}", (west, 0), (west + 100, 0), name="学府路", highway=self.highway)
        self.edge("side", (300, 0), (300, 200), name="支路", highway="residential")
        self.school("s1", "primary_school")
        self.gate("g1", "s1", (30, 8), "e0", 30.0)

    def edge(self, name_of: str, start: tuple[float, float], end: tuple[float, float], **values: Any) -> None:
        known = {
            "speed_kmh": 30.0,
            "lanes_per_dir": 1,
            "sidewalk_left": "separated_0_1m",
            "sidewalk_right": "separated_0_1m",
        }
        self.edges[name_of] = {
            "edge_id": name_of, "u": f"n{start[0]},{start[1]}", "v": f"n{end[0]},{end[1]}",
            "length_m": float(np.hypot(end[0] - start[0], end[1] - start[1])), "highway": "residential", "name": None, "ref": None,
            "bridge": False, "tunnel": False, "walk": True, "beside_edge_id": None, "pair_id": None, **known,
            **{f"{name}_from": "tag" for name in known}, "geometry": line(start, end), **values,
        }  # fmt: skip

    def street(self, **values: Any) -> None:
        """Change the main street."""
        for name in self.edges:
            if name != "side":
                self.edges[name] |= values

    def school(self, site: str, kind: str, **values: Any) -> None:
        self.sites.append(
            {
                "facility_id": f"{site}#{kind}",
                "site_id": site,
                "kind": kind,
                "status": "operating",
                "inside": True,
                **values,
            }
        )

    def gate(
        self, name: str, site: str, place: tuple[float, float], edge: str | None, offset: float = np.nan, **values: Any
    ) -> None:
        row = {
            "gate_id": name,
            "owner_id": site,
            "owner_type": "site",
            "through": None,
            "resolved_by": "mapped",
            "geometry": point(*place),
        }
        self.gates.append(row | {key: one for key, one in values.items() if key in row})
        link = {
            "owner_type": "site", "owner_id": site, "gate_id": name, "profile": "walk", "edge_id": edge, "offset_m": offset,
            "leg_m": 8.0, "linked": edge is not None, "reason": None if edge else "blocked_by_barrier",
        }  # fmt: skip
        self.links.append(link | {key: one for key, one in values.items() if key in link})

    def crossing(self, name: str, x: float, **values: Any) -> None:
        """A crossing at a node of the main street, 70 m east of the gate's foot where x = 100."""
        row = {
            "crossing_id": name, "node_id": f"n{x},0", "place": "block", "mapped": True, "road_edge_ids": f"e{x - 100}|e{x}",
            "width_m": 7.0, "control": "marked", "island": False, "step_free": True, "guard": False,
        }  # fmt: skip
        row |= {f"{key}_from": "tag" for key in ("width_m", "control", "island", "step_free")} | {
            "guard_from": "default"
        }
        self.crossings.append({**row, **values})

    def said(self, item: str, item_type: str, what: str, value: str) -> None:
        self.survey.append({"item_id": item, "item_type": item_type, "field": what, "value": value})

    def inputs(self) -> GateInputs:
        edges = pd.DataFrame(list(self.edges.values()))
        empty: dict[str, list[str]] = {
            "mapped_points": ["point_id", "what", "vehicle", "geometry"], "grounds": ["site_id", "geometry"],
            "barriers": ["barrier_id", "barrier", "bridge", "geometry"], "surroundings": ["thing_id", "what", "geometry"],
            "street_survey": ["item_id", "item_type", "field", "value"],
            "crossings": ["crossing_id", "node_id", "place", "mapped", "road_edge_ids", "width_m", "width_m_from", "control", "control_from",
                          "island", "island_from", "step_free", "step_free_from", "guard", "guard_from"],
        }  # fmt: skip
        rows = {"mapped_points": self.points, "grounds": self.grounds, "barriers": self.barriers, "surroundings": self.things,
                "street_survey": self.survey, "crossings": self.crossings}  # fmt: skip
        zones = pd.DataFrame(
            {"zone_id": ["z"], "geometry": [shapely.Polygon([degrees(*one) for one in box(-1000, -1000, 1000, 1000)])]}
        )
        return GateInputs(
            facilities=pd.DataFrame(self.sites), gates=pd.DataFrame(self.gates), zones=zones, streets=edges,
            access_links=pd.DataFrame(self.links), street_attributes=edges, metric_epsg=EPSG,
            **{name: pd.DataFrame(rows[name], columns=columns) for name, columns in empty.items()},
        )  # fmt: skip

    def check(self) -> pd.DataFrame:
        return check_gates(self.inputs(), CATALOGUE).set_index(["rule_id", "gate_id"])

    def row(self, rule: str, gate: str = "g1") -> pd.Series:
        alone = CATALOGUE.model_copy(update={"gate_rules": {rule: CATALOGUE.gate_rules[rule]}})
        return check_gates(self.inputs(), alone).set_index("gate_id").loc[gate]


def said(row: pd.Series) -> tuple[str, float | None, str | None, str | None]:
    """Verdict, measure, what it rests on, reason."""
    measured = None if pd.isna(row["measured"]) else float(row["measured"])
    source, reason = (one if isinstance(one, str) else None for one in (row["measured_from"], row["reason"]))
    return (row["verdict"], measured, source, reason)
