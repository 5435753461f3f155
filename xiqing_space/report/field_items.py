"""What to look at on site first: streets, crossings and gates of a school by pupils × width of the score's range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.gcj02 import wgs84_to_gcj02
from xiqing_space.ingest.field_columns import load_sheet_words
from xiqing_space.store import Store

COLUMNS = (
    "item_id",
    "item_type",
    "what",
    "street",
    "lon",
    "lat",
    "gcj_lon",
    "gcj_lat",
    "children",
    "weight",
    "side",
    "now",
)
NEEDS = ("area", "schools", "school_forest", "school_routes", "streets", "street_attributes", "segment_scores", "crossings", "crossing_scores",
         "gates", "street_survey")  # fmt: skip
_FROM = {"tag": ("地图", "map"), "default": ("默认", "default"), "survey": ("踏勘", "survey")}
COMPASS = ("东", "东北", "北", "西北", "西", "西南", "南", "东南")
_PLACES = {"junction": "路口过街", "block": "路段中过街", "over": "天桥或地道"}


@dataclass(frozen=True)
class FieldTables:
    """Tables of a finished run that the field sheet rests on."""

    tables: dict[str, pd.DataFrame]
    metric_epsg: int
    synthetic: bool
    area: str

    @classmethod
    def read(cls, store: Store) -> FieldTables:
        """From a run's folder."""
        tables = {name: store.get(name) for name in NEEDS}
        about = tables["area"].iloc[0]
        return cls(tables, int(about["metric_epsg"]), bool(about["synthetic"]), str(about["name"]))

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A table."""
        return self.tables[name]


class FieldItems:
    """Items of every school, worked out from the tables once.

    The range of an item is what is not known of it; a narrow one is no sign of safety. `weight` is pupils × (high − low) of what
    the item adds to a route's risk: along × length / 100 m, or cross × the carriageway's part of the whole crossing.
    """

    def __init__(self, found: FieldTables, catalogue: Catalogue) -> None:
        self._found, self._catalogue = found, catalogue
        self._streets = _by(found["streets"], "edge_id")
        self._attributes = _by(found["street_attributes"], "edge_id")
        self._crossings = _by(found["crossings"], "crossing_id")
        self._gates = found["gates"].drop_duplicates("gate_id").set_index("gate_id")
        self._ranked = dict(iter(self._rank().groupby("school_id", sort=True)))
        routes = found["school_routes"]
        routed = routes[routes["gate_id"].notna().to_numpy(dtype=bool)]
        self._gate = routed.groupby(["school_id", "gate_id"], sort=True)["children"].sum()
        self._guarded = _said(found["street_survey"], "guard")

    def _rank(self) -> pd.DataFrame:
        """Streets and crossings of every school with pupils and weight, the weightiest first; what is sure has none."""
        scores, forest = _by(self._found["segment_scores"], "edge_id"), self._found["school_forest"]
        length = self._streets["length_m"].reindex(scores.index)
        edges = _pupils(forest, "next_edge_id")
        edges["weight"] = edges["children"] * edges["item_id"].map(
            (scores["high_along"] - scores["low_along"]) * length / 100.0
        )
        # a footway drawn beside a road has the road's attributes: they are surveyed there
        road = edges["item_id"].map(self._attributes["beside_edge_id"])
        edges["item_id"] = road.where(road.isin(self._streets.index), edges["item_id"])
        scores = _by(self._found["crossing_scores"], "crossing_id")
        crossings = _pupils(forest, "next_crossing_id")
        width = (scores["high_cross"] - scores["low_cross"]) * self._crossings["share"].reindex(scores.index)
        crossings["weight"] = crossings["children"] * crossings["item_id"].map(width)
        both = pd.concat([edges.assign(item_type="edge"), crossings.assign(item_type="crossing")], ignore_index=True)
        both = both.groupby(["school_id", "item_type", "item_id"], as_index=False, sort=True)[
            ["children", "weight"]
        ].sum()
        both = both[(both["weight"] > 0).to_numpy(dtype=bool)]
        return both.sort_values(["school_id", "weight", "item_id"], ascending=[True, False, True], ignore_index=True)

    def of(self, school_id: str, top: int) -> pd.DataFrame:
        """The gates of a school, and after them its most uncertain streets and crossings; `COLUMNS`.

        Parameters
        ----------
        school_id : str
            site_id.
        top : int
            Most streets and crossings together.
        """
        rows = self._gates_of(school_id)
        if school_id in self._ranked:
            for one in self._ranked[school_id].head(top).to_dict("records"):
                rows.append(
                    one | (self._edge(one["item_id"]) if one["item_type"] == "edge" else self._crossing(one["item_id"]))
                )
        frame = pd.DataFrame(rows, columns=[*COLUMNS[:4], "point", *COLUMNS[8:]], dtype=object)
        points = frame["point"].to_numpy(dtype=object)
        lon, lat = shapely.get_x(points), shapely.get_y(points)
        gcj = wgs84_to_gcj02(lon, lat) if len(frame) else (lon, lat)
        places = {"lon": lon, "lat": lat, "gcj_lon": gcj[0], "gcj_lat": gcj[1]}
        return frame.assign(**{name: np.round(one, 6) for name, one in places.items()})[list(COLUMNS)]

    def weight_of(self, school_id: str, top: int) -> float:
        """How much a school's sheet is worth: the sum of its items' weights."""
        return float(self._ranked[school_id]["weight"].head(top).sum()) if school_id in self._ranked else 0.0

    def lines(self, items: pd.DataFrame) -> list[Any]:
        """Lines of the items that are streets, EPSG:4326."""
        ids = items.loc[(items["item_type"] == "edge").to_numpy(dtype=bool), "item_id"]
        return list(self._streets.loc[ids, "geometry"])

    def _edge(self, edge: str) -> dict[str, Any]:
        street = self._streets.loc[edge]
        line = street["geometry"]
        return {
            "what": f"沿{self._word('highway_' + street['highway'], street['highway'])}",
            "street": name_of(street["name"], street["ref"]), "point": shapely.line_interpolate_point(line, 0.5, normalized=True),
            "side": self._side(line), "now": self._now(self._attributes.loc[edge], "edge"),
        }  # fmt: skip

    def _crossing(self, item: str) -> dict[str, Any]:
        crossing = self._crossings.loc[item]
        road = self._word("highway_" + crossing["road_highway"], crossing["road_highway"])
        return {
            "what": f"{_PLACES[crossing['place']]}（过{road}）", "street": name_of(crossing["road_name"], crossing["road_ref"]),
            "point": crossing["geometry"], "side": self._leg(item), "now": self._now(crossing, "crossing"),
        }  # fmt: skip

    def _gates_of(self, school_id: str) -> list[dict[str, Any]]:
        rows = []
        for gate, children in _of_school(self._gate, school_id).items():
            if gate not in self._gates.index:
                continue
            one = self._gates.loc[gate]
            guessed = "" if one["resolved_by"] in ("survey", "mapped") else "（位置为推测，请核实）"
            now = "护学岗 有（名单或踏勘）" if {gate, school_id} & self._guarded else ""
            rows.append({"item_id": gate, "item_type": "gate", "what": f"校门{guessed}", "street": "", "point": one["geometry"],
                         "children": children, "weight": 0.0, "side": "", "now": now})  # fmt: skip
        return rows

    def _word(self, key: str, other: str) -> str:
        return self._catalogue.words[key][0] if key in self._catalogue.words else other

    def _side(self, line: Any) -> str:
        """Which way is left: sides are told looking from the line's first end to its last."""
        ends = shapely.get_coordinates(
            project_geometry(np.asarray([line], dtype=object), GEOGRAPHIC, self._found.metric_epsg)[0]
        )[[0, -1]]
        east, north = ends[1] - ends[0]
        if not (east or north):
            return ""
        octant = round(np.degrees(np.arctan2(north, east)) / 45.0)
        ahead, left, right = (COMPASS[(octant + turn) % 8] for turn in (0, 2, -2))
        return f"面向{ahead}：左={left}侧，右={right}侧"

    def _leg(self, crossing: str) -> str:
        """Which leg of a junction is crossed: two of them have one place on the map."""
        node, _, edge = crossing.partition("/")
        if edge not in self._streets.index or node not in (ends := self._streets.loc[edge, ["u", "v"]].tolist()):
            return ""
        line = self._streets.loc[edge, "geometry"]
        way = shapely.get_coordinates(
            project_geometry(np.asarray([line], dtype=object), GEOGRAPHIC, self._found.metric_epsg)[0]
        )
        first, then = (way[0], way[1]) if node == ends[0] else (way[-1], way[-2])
        return (
            f"路口{COMPASS[round(np.degrees(np.arctan2(then[1] - first[1], then[0] - first[0])) / 45.0) % 8]}侧的过街"
        )

    def _now(self, row: pd.Series, item_type: str) -> str:
        """Present values and where each comes from."""
        parts = []
        for one in load_sheet_words().fields:
            name = one.of.get(item_type)
            if name is None or name.startswith("flag_") or name not in row.index:
                continue
            value, source = row[name], row[f"{name}_from"]
            if pd.isna(value) or (name == "guard" and not (value and source != "default")):
                continue  # who lacks a guard is nobody's list
            told = ("yes" if value else "no") if isinstance(value, (bool, np.bool_)) else value
            text = f"{told:g}" if isinstance(told, (int, float, np.number)) else one.shown(str(told))
            parts.append(f"{one.zh.partition('（')[0]} {text}（{_FROM.get(source, (source, source))[0]}）")
        return "；".join(parts)


def _pupils(forest: pd.DataFrame, column: str) -> pd.DataFrame:
    """Pupils of each school by what they pass next."""
    known = pd.DataFrame(forest)[forest[column].notna().to_numpy(dtype=bool)].rename(columns={column: "item_id"})
    return known.groupby(["school_id", "item_id"], as_index=False, sort=True)["children"].sum()


def _of_school(series: pd.Series, school_id: str) -> dict[str, float]:
    if school_id not in series.index.get_level_values(0):
        return {}
    return {str(key): float(value) for key, value in series.loc[school_id].items()}


def _by(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    return pd.DataFrame(frame).set_index(key)


def _said(survey: pd.DataFrame, name: str) -> set[str]:
    yes = (survey["field"] == name) & (survey["value"] == "yes") & (survey["item_type"] == "gate")
    return set(survey.loc[yes.to_numpy(dtype=bool), "item_id"])


def name_of(name: Any, ref: Any) -> str:
    """A street's name and number, or that it has none."""
    known = [one for one in (name, ref) if isinstance(one, str) and one]
    return " ".join(known) or "（未命名）"
