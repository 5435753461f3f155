"""What every street is like for walkers along it: survey over map over default, and each value says which."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.safety.beside import Beside, Kerbs, find_beside
from xiqing_space.safety.lines import Lines, cut_lines
from xiqing_space.safety.pairs import OneWays, Pairs, find_pairs
from xiqing_space.safety.sheet import DEFAULT, SURVEY, TAG, Sheet, take_survey
from xiqing_space.safety.tag_values import DRAWN, KERBSIDE
from xiqing_space.safety.way_tags import Ways, read_ways

FOOT = "foot"
_APART = "separated_3m"  # what a way away from roads counts as; its score along is 0 by its class
_BUMP_M, _NEAR_DEG = 1.0, 1e-4  # a bump this near a street's line lies on it; where to look, in degrees
_OF_ROAD = ("speed_kmh", "lanes_total", "lanes_per_dir", "oneway", "carriageway_width_m", "lit", "surface", "parking", "calming", "median",
            "flow_per_lane")  # fmt: skip


def resolve_attributes(
    streets: pd.DataFrame, street_tags: pd.DataFrame, road_points: pd.DataFrame, survey: pd.DataFrame, catalogue: Catalogue,
    metric_epsg: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """The `street_attributes` table, and the tags that could not be read or contradict each other.

    A default is what the catalogue proposes for such a street, never what somebody saw there: a planner may not read it as a finding.

    Parameters
    ----------
    streets : DataFrame (n,)
        Table `streets`; any row order.
    street_tags, road_points, survey : DataFrame
        Tables `street_tags` (ways without a row are untagged), `road_points` (calming) and `street_survey` (rows of edges).
    catalogue : Catalogue
        `safety`.
    metric_epsg : int
        System in which distances are measured.

    Returns
    -------
    DataFrame (n,)
        By edge_id. A footway beside a road has the road's attributes and its own sidewalk group on both sides; on a carriageway of two
        both sides have the outer side's.
    DataFrame
        osm_id (edge_id of a surveyed value), key, value, why (`unread`, `contradiction`), each once.
    """
    rules = catalogue.safety
    streets = streets.iloc[np.argsort(streets["edge_id"].to_numpy(dtype=object), kind="stable")]
    edge_id = streets["edge_id"].to_numpy(dtype=object)
    ways, wrong = read_ways(streets, street_tags, rules)
    sheet = Sheet(len(streets))
    for name, values in ways.said.items():
        sheet.fill(name, values, TAG)
    sheet.fill("calming", True, TAG, _calmed(streets, road_points, rules, metric_epsg, ways.motor))
    unread = take_survey(sheet, edge_id, survey)
    cases = _Defaults(ways, streets, rules)
    _fill_traffic(sheet, cases, rules)
    lines = cut_lines(streets["geometry"].to_numpy(dtype=object), metric_epsg)
    pairs = _pair(lines, ways, sheet, streets, rules)
    beside = _lay_beside(lines, ways, sheet, streets, rules)
    _fill_medians(sheet, pairs)
    _fill_sidewalks(sheet, cases, pairs, beside, rules)
    _fill_footways(sheet, ways.motor, beside, rules)
    road = np.where(beside.road >= 0, beside.road, np.arange(len(streets)))
    frame = pd.DataFrame(
        {
            "edge_id": edge_id,
            "road_class": np.where(ways.motor, cases.road_class, FOOT)[road],
            "road_status": np.where(cases.highway, "highway", "urban").astype(object)[road],
            "beside_edge_id": np.where(beside.road >= 0, edge_id[beside.road], None),
            "pair_id": pairs.pair_id,
            "pair_gap_m": pairs.gap_m,
            **sheet.columns(),
        }
    )
    problems = pd.concat([wrong, unread], ignore_index=True).drop_duplicates()
    return frame, problems.sort_values(list(problems.columns), kind="stable").reset_index(drop=True)


class _Defaults:
    """The catalogue's values by class and status of each street; `road_class` is None for ways that are no motor road."""

    def __init__(self, ways: Ways, streets: pd.DataFrame, rules: dict[str, Any]) -> None:
        same, self._table = rules["same_defaults"], rules["defaults"]
        codes, names = pd.factorize(streets["highway"].to_numpy(dtype=object))
        own = np.asarray([same.get(name, name) for name in names], dtype=object)
        self.road_class = np.where(ways.motor, own[codes], None)
        pattern = re.compile(rules["roads"]["highway_ref"])
        codes, refs = pd.factorize(streets["ref"].to_numpy(dtype=object))
        numbered = [any(pattern.match(one.strip()) for one in str(ref).split(";")) for ref in refs]
        self.highway = np.asarray([*numbered, False], dtype=bool)[codes] & ways.motor
        self._class = pd.Categorical(self.road_class, categories=list(self._table)).codes

    def of(self, *path: str) -> NDArray[Any]:
        """Main value of an attribute, None where there is no road: ("flow_per_lane",) or ("urban", "speed_kmh")."""
        found: list[Any] = []
        for one in self._table.values():
            value = one
            for key in path:
                value = value[key]
            found.append(value[1] if isinstance(value, list) else value)
        values: NDArray[Any] = np.asarray([*found, None], dtype=object)[self._class]
        return values

    def by_status(self, name: str) -> NDArray[Any]:
        """The same for attributes that differ between 公路 and urban streets."""
        return np.where(self.highway, self.of("highway", name), self.of("urban", name))


def _calmed(
    streets: pd.DataFrame, road_points: pd.DataFrame, rules: dict[str, Any], metric_epsg: int, motor: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Streets with a bump, hump or the like on each stretch of a certain length."""
    places = road_points["geometry"].to_numpy(dtype=object)[(road_points["what"] == "calming").to_numpy(dtype=bool)]
    lines = streets["geometry"].to_numpy(dtype=object)
    # in degrees first: few streets lie near a bump
    low, high = (
        shapely.bounds(places).reshape(-1, 4)[:, :2] - _NEAR_DEG,
        shapely.bounds(places).reshape(-1, 4)[:, 2:] + _NEAR_DEG,
    )
    point, row = shapely.STRtree(lines).query(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
    point, row = point[motor[row]], row[motor[row]]
    ends = (project_geometry(one, GEOGRAPHIC, metric_epsg) for one in (lines[row], places[point]))
    on = row[shapely.distance(*ends) <= _BUMP_M]
    count = np.bincount(on, minlength=len(streets))
    enough = count * rules["roads"]["calming_every_m"] >= streets["length_m"].to_numpy(dtype=float)
    return np.asarray((count > 0) & enough)


def _fill_traffic(sheet: Sheet, cases: _Defaults, rules: dict[str, Any]) -> None:
    """Speed, direction, lanes, width and flow, light and surface, parking and calming of motor roads."""
    every = rules["defaults_all"]
    road = np.asarray(pd.notna(cases.road_class), dtype=bool)
    sheet.fill("speed_kmh", cases.by_status("speed_kmh"), DEFAULT)
    sheet.fill("oneway", False, DEFAULT)
    oneway = sheet.flags("oneway")
    # a survey of one of these settles the others
    total, per_dir = sheet.numbers("lanes_total"), sheet.numbers("lanes_per_dir")
    seen = {name: sheet.source[name] == SURVEY for name in ("lanes_total", "lanes_per_dir", "oneway")}
    halved = (seen["lanes_total"] | (seen["oneway"] & np.isfinite(total))) & ~seen["lanes_per_dir"]
    sheet.put("lanes_per_dir", np.where(oneway, total, np.ceil(total / 2)), halved, SURVEY)
    sheet.put(
        "lanes_total", np.where(oneway, per_dir, per_dir * 2), seen["lanes_per_dir"] & ~seen["lanes_total"], SURVEY
    )
    sheet.fill("lanes_per_dir", cases.by_status("lanes"), DEFAULT)
    sheet.fill("lanes_total", sheet.numbers("lanes_per_dir") * np.where(oneway, 1, 2), DEFAULT, road)
    sheet.fill("carriageway_width_m", sheet.numbers("lanes_total") * every["lane_width_m"], DEFAULT, road)
    sheet.fill("flow_per_lane", cases.of("flow_per_lane"), DEFAULT)
    sheet.fill("lit", np.where(cases.highway, every["lit_highway"][1], every["lit"][1]), DEFAULT)
    sheet.fill("surface", every["surface"][1], DEFAULT)
    sheet.fill("parking", every["parking"][1], DEFAULT)
    sheet.fill("calming", every["calming"][1], DEFAULT)


def _pair(lines: Lines, ways: Ways, sheet: Sheet, streets: pd.DataFrame, rules: dict[str, Any]) -> Pairs:
    half = np.nan_to_num(sheet.numbers("carriageway_width_m")) / 2
    may = ways.motor & sheet.flags("oneway") & ~ways.roundabout
    text = {key: streets[key].to_numpy(dtype=object) for key in ("name", "highway", "osm_id")}
    found = OneWays(may, ways.direction, text["name"], text["highway"], text["osm_id"], half)
    return find_pairs(lines, found, rules["roads"])


def _lay_beside(lines: Lines, ways: Ways, sheet: Sheet, streets: pd.DataFrame, rules: dict[str, Any]) -> Beside:
    own = sheet.numbers("sidewalk_width_m")
    walk = np.where(np.isnan(own), rules["defaults_all"]["sidewalk_width_m"], own)
    half = np.where(ways.motor, sheet.numbers("carriageway_width_m"), walk) / 2
    highway = streets["highway"].to_numpy(dtype=object)
    foot = np.isin(highway, rules["roads"]["beside_classes"]) & ~ways.crossing
    tunnel, bridge = streets["tunnel"].to_numpy(dtype=bool), streets["bridge"].to_numpy(dtype=bool)
    level = np.where(tunnel, -1, np.where(bridge, 1, 0)).astype(np.int8)
    kerbs = Kerbs(foot, foot & ways.sidewalk, ways.motor, highway == "service", level, half)
    return find_beside(lines, kerbs, rules["roads"])


def _fill_medians(sheet: Sheet, pairs: Pairs) -> None:
    """What parts the directions: the gap of two carriageways; on other one-way streets there is nothing to part."""
    paired, oneway = pairs.inner > 0, sheet.flags("oneway")
    sheet.fill("median", "physical", TAG, paired)
    for source in (TAG, SURVEY):
        sheet.fill("median", "oneway", source, oneway & (sheet.source["oneway"] == source))
    sheet.fill("median", "none", DEFAULT)


def _groups(separation_m: NDArray[np.float64], rules: dict[str, Any]) -> NDArray[np.object_]:
    """Sidewalk group by the way between carriageway and walk; None where it is not known."""
    names = np.asarray([KERBSIDE, "separated_1_3m", "separated_3m", None], dtype=object)
    place = np.searchsorted(rules["roads"]["separation_m"], np.round(separation_m, 2), side="right")
    found: NDArray[np.object_] = names[np.where(np.isnan(separation_m), 3, place)]
    return found


def _fill_sidewalks(sheet: Sheet, cases: _Defaults, pairs: Pairs, beside: Beside, rules: dict[str, Any]) -> None:
    """Sidewalks of motor roads; of two carriageways only the outer sides'."""
    usual = cases.by_status("sidewalk")
    for side, name in enumerate(("sidewalk_left", "sidewalk_right")):
        drawn = sheet.values[name] == DRAWN
        measured = _groups(beside.side_m[:, side], rules)
        sheet.put(name, np.where(measured == None, KERBSIDE, measured), drawn, TAG)  # noqa: E711  (element-wise)
        sheet.fill(name, measured, TAG)
        sheet.fill(name, usual, DEFAULT)
    for inner, name, outer in ((1, "sidewalk_left", "sidewalk_right"), (2, "sidewalk_right", "sidewalk_left")):
        there = pairs.inner == inner
        sheet.values[name][there], sheet.source[name][there] = sheet.values[outer][there], sheet.source[outer][there]


def _fill_footways(sheet: Sheet, motor: NDArray[np.bool_], beside: Beside, rules: dict[str, Any]) -> None:
    """Ways for walkers: beside a road they have its attributes, away from roads there is no motor traffic."""
    along, road = np.flatnonzero(beside.road >= 0), beside.road[beside.road >= 0]
    groups = _groups(beside.separation_m, rules)
    for name in ("sidewalk_left", "sidewalk_right"):
        sheet.fill(name, groups, TAG)
    for name in _OF_ROAD:
        mine = sheet.source[name][along] == SURVEY
        if name == "lit":  # a lamp that somebody mapped at the footway counts more than a default of the road
            mine |= (sheet.source[name][along] == TAG) & (sheet.source[name][road] == DEFAULT)
        take, of = along[~mine], road[~mine]
        sheet.values[name][take], sheet.source[name][take] = sheet.values[name][of], sheet.source[name][of]
    away: dict[str, Any] = {
        **dict.fromkeys(("speed_kmh", "lanes_total", "lanes_per_dir", "carriageway_width_m", "flow_per_lane"), 0),
        **dict.fromkeys(("sidewalk_left", "sidewalk_right"), _APART),
    }
    for name, value in away.items():
        sheet.fill(name, value, DEFAULT, ~motor)
