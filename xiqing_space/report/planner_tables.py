"""Tables of a run as sheets that a planner reads: Chinese headings and codes, units, formats, an order that makes sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.column_words import ColumnWords, load_column_words
from xiqing_space.report.joined import (
    DISTRICT,
    Alias,
    bridge_summary,
    is_relative,
    people_unit,
    zones_with_figures,
)
from xiqing_space.schemas import TABLES, Column

# in the order of the sheets; whatever else a run holds and is not left out comes after them
FIRST = (
    "indicators", "zones", "fixes", "schools", "gate_rules", "sightlines", "facilities", "unlocated", "bridge_summary", "bridge", "blind_spots", "gate_openings", "catchments",
    "facility_reach", "walk_minutes", "sensitivity", "communities", "compounds", "gates", "barrier_crossings", "merges",
)  # fmt: skip
INTERNAL = "内部使用，未经地图审核不得公开"
# a row per home, street or cell: for a GIS, not for reading
LEFT_OUT = frozenset({
    "area", "demand", "streets", "nodes", "access", "access_low", "access_inside", "access_no_inferred", "access_no_legs",
    "access_links", "land_access", "land_cells", "land_links", "gate_range", "supply", "landuse", "grounds", "barriers",
    "mapped_crossings", "mapped_points", "surveyed_gates", "street_attributes", "segment_scores", "crossings", "crossing_scores",
    "pupil_flows", "cells", "cell_shares", "school_routes", "school_forest", "safe_access", "safe_bridge",
})  # fmt: skip
LONG = {"bridge": 10_000}  # of these tables the whole only where it is no longer; the summary always
EXTRA = {
    "bridge_summary": ("步行流失汇总", "半径内、步行超出限值的儿童，按分区、类别和原因合计（缓冲区不计）"),
    "quality": ("数据疑点", "对数据的每一处疑问与处理建议"),
}
_LEAD = {
    "indicators": ("action", "label_zh", "zone_name", "kind", "age_band", "measure", "variant", "value", "value_low", "value_high", "unit",
                   "verdict", "reason", "numerator", "denominator", "n_unknown", "weight_kind", "threshold", "threshold_unit",
                   "target", "target_plan", "target_plan_zh", "document", "clause", "wording", "status", "formula_zh", "responsible"),
    "zones": ("name", "level", "settlement"),
    "fixes": ("rank", "treatment", "place_zh", "zone_name", "children_helped", "children_acceptable", "risk_before", "risk_after",
              "risk_removed", "cost_class", "term", "rerouted", "weight_kind"),
    "schools": ("name", "kind", "zone_name", "children", "children_routed", "length_mean_m", "route_score_mean", "route_score_p10",
                "share_acceptable", "worst_zh", "worst_cross", "worst_children", "share_defaulted", "grade", "assigned_by", "reason"),
    "gate_rules": ("site_name", "zone_name", "rule_zh", "gate_use", "measured", "unit", "limit", "verdict", "reason", "wording", "document",
                   "status", "binds_new_only", "measured_from"),
    "facilities": ("name", "kind", "operator", "status", "serves", "capacity_places", "capacity_from", "classes", "enrolled",
                   "inside", "located_by", "address"),
    "unlocated": ("name", "kind", "address", "zone", "operator", "status", "serves", "asked"),
    "sightlines": ("verdict", "evidence", "zone_name", "near", "children", "blocked_what", "needed_m", "seen_child_m", "child_gap_m", "speed_kmh",
                   "speed_from", "seen_low_m", "seen_high_m", "seen_adult_m", "side"),
    "blind_spots": ("zone_name", "kind", "near_name", "near_what", "children", "weight_kind", "homes", "nearest_m", "cause",
                    "missing_kinds", "held"),
    "gate_openings": ("rank", "owner_name", "owner_type", "zone_name", "kind", "children_helped", "children_covered",
                      "metres_saved_mean", "weight_kind"),
    "facility_reach": ("name", "kind", "limit_m", "profile", "children", "children_inside", "weight_kind", "places_per_child",
                       "reached_m"),
    "bridge_summary": ("zone_name", "kind", "profile", "limit_m", "cause", "children", "homes"),
    "bridge": ("zone_name", "kind", "profile", "cause", "limit_m", "straight_m", "distance_m", "lifted_m"),
    "walk_minutes": ("zone_name", "kind", "age_band", "profile", "speed_m_s", "median_min", "p90_min", "adult_median_min",
                     "share_beyond", "children", "n_unknown", "weight_kind", "reason"),
    "sensitivity": ("zone_name", "kind", "measure", "scenario", "value", "changed", "difference", "reason"),
    "quality": ("severity", "what_zh", "what_to_do", "source", "row", "id", "what_en", "check"),
}  # fmt: skip
_BY_UNIT = ("value", "value_low", "value_high", "target", "target_plan", "now_plan")
_PEOPLE = {"persons or weight"}
_NUMERATORS = {"numerator", "denominator", "n_unknown"}
_OF_UNIT = {"share": "percent", "zones": "count", "sites": "count", "index": "ratio"}
_OF_WEIGHT = {"persons": "persons", "relative": "weight", "hectares": "ha", "count": "count"}
_WIDE = {"action": 8, "target_plan_zh": 44, "now_plan_zh": 44, "formula_zh": 60, "responsible": 34, "variant": 26, "label_zh": 56, "kind": 24, "unit": 12, "label_en": 44, "what_zh": 60, "what_en": 60, "what_to_do": 44, "document": 26, "address": 34,
         "reason": 26, "name": 26, "owner_name": 22, "near_name": 22, "rule_zh": 40, "site_name": 26, "place_zh": 40, "place_en": 40, "worst_zh": 44, "worst_en": 44, "rule_en": 40, "missing_kinds": 34}  # fmt: skip


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet: table's name for it, heading, unit in Chinese, formats (one, or one per row), width."""

    name: str
    zh: str
    unit: str
    form: str | Sequence[str]
    width: float
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet: its Chinese name, the table it shows, what a row is, columns, and rows with codes put into Chinese."""

    zh: str
    table: str
    note: str
    columns: tuple[SheetColumn, ...]
    rows: pd.DataFrame


@dataclass(frozen=True)
class RunTables:
    """Tables of a run by name, quality.csv, and the catalogue that they are worded by.

    `elsewhere`: tables that the run holds too and no report reads. `people`: a demand table to add up and not to write, where a
    release holds no homes. `note`: what every file says of its use.
    """

    frames: Mapping[str, pd.DataFrame]
    quality: pd.DataFrame
    catalogue: Catalogue
    elsewhere: tuple[str, ...] = ()
    people: pd.DataFrame | None = None
    note: str = INTERNAL
    words: ColumnWords = field(default_factory=load_column_words)

    @cached_property
    def relative(self) -> bool:
        """Whether people are relative weights."""
        return is_relative(self.homes)

    @property
    def homes(self) -> pd.DataFrame:
        """Rows of people by place, to be added up by zone."""
        return self.frames["demand"] if self.people is None else self.people

    @property
    def has_figures(self) -> bool:
        """Whether zones can have their people and shares beside them."""
        return {"zones", "indicators"} <= set(self.frames) and (self.people is not None or "demand" in self.frames)


def planner_sheets(run: RunTables) -> list[Sheet]:
    """The sheets of a run's workbook, without cover and dictionary; tables that the run does not hold are absent."""
    frames: dict[str, tuple[pd.DataFrame, dict[str, Alias]]] = {}
    for name, frame in run.frames.items():
        if name not in LEFT_OUT and len(frame) <= LONG.get(name, len(frame)):
            frames[name] = (pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), {})
    if run.has_figures:
        zones, aliases = zones_with_figures(
            run.frames["zones"], run.homes, run.frames["indicators"], run.catalogue, run.words, district=True
        )
        frames["zones"] = (pd.DataFrame(zones.drop(columns="geometry", errors="ignore")), aliases)
    if "bridge" in run.frames:
        frames["bridge_summary"] = (bridge_summary(run.frames["bridge"], run.frames["demand"], run.catalogue), {})
    order = [*(name for name in FIRST if name in frames), *sorted(set(frames) - set(FIRST))]
    sheets = [_sheet(name, _with_names(name, frames[name][0], run), frames[name][1], run) for name in order]
    sheets.append(_sheet("quality", run.quality, {}, run))
    return sheets


def left_out(run: RunTables) -> list[str]:
    """Tables of the run that have no sheet of their own."""
    mine = [name for name, frame in run.frames.items() if name in LEFT_OUT or len(frame) > LONG.get(name, len(frame))]
    return [name for name in TABLES if name in (*mine, *run.elsewhere)]


def _with_names(name: str, frame: pd.DataFrame, run: RunTables) -> pd.DataFrame:
    """Names beside ids, and rows in the order in which they are read."""
    frame = frame.copy()
    zones = dict(zip(run.frames["zones"]["zone_id"], run.frames["zones"]["name"], strict=True)) | {DISTRICT: DISTRICT}
    if name == "bridge":
        homes = run.frames["demand"].set_index("demand_id")["zone_id"]
        frame["zone_id"] = frame["demand_id"].map(homes)
    if "zone_id" in frame and name != "zones" and "zone_name" not in frame:
        frame["zone_name"] = frame["zone_id"].map(zones)
    if name == "gate_rules":
        frame = _said_gates(frame, run)
    if name == "sightlines":  # where a child sees far enough there is nothing to do: those are in the GeoPackage
        frame = pd.DataFrame(frame[(frame["verdict"] != "enough").to_numpy(dtype=bool)])
    if name == "facility_reach":
        frame["name"] = frame["facility_id"].map(run.frames["facilities"].set_index("facility_id")["name"])
    return frame.iloc[_order(name, frame, run.catalogue)].reset_index(drop=True)


def _said_gates(frame: pd.DataFrame, run: RunTables) -> pd.DataFrame:
    """Schools and rules by name. Rules that may not be shown (which gates lack a guard, premises to verify) stay in data/processed."""
    rules = run.catalogue.gate_rules
    shown = frame[frame["rule_id"].isin([key for key, rule in rules.items() if rule.public])]
    names = run.frames["facilities"].drop_duplicates("site_id").set_index("site_id")["name"]
    return shown.assign(site_name=shown["site_id"].map(names), rule_zh=[rules[rule].zh for rule in shown["rule_id"]])


def _order(name: str, frame: pd.DataFrame, catalogue: Catalogue) -> Any:
    """Positions of the rows in reading order: the catalogue's own, the district before its zones, the worst first."""
    keys = []
    if name == "blind_spots":
        keys.append(-frame["children"].to_numpy(dtype=float))
    if name == "sightlines":  # findings first, then what most pupils pass
        keys.append((frame["verdict"] != "too_short").to_numpy(dtype=float))
        keys.append(-frame["children"].fillna(-1.0).to_numpy(dtype=float))
        keys.append((frame["seen_child_m"] - frame["needed_m"]).to_numpy(dtype=float))
    if name == "fixes":
        keys.append(frame["rank"].fillna(len(frame)).to_numpy(dtype=float))
    if name == "gate_openings":
        keys.append(frame["rank"].to_numpy(dtype=float))
    places: dict[str, Sequence[str]] = {
        "indicator_id": tuple(catalogue.indicators), "kind": tuple(catalogue.kinds), "age_band": ("*", *catalogue.bands),
        "measure": ("radius", "walk", "safe_walk"), "profile": ("walk", "pram"),
    }  # fmt: skip
    if name == "indicators":  # the district at a glance, then zone by zone
        keys.append((frame["zone_id"] != DISTRICT).to_numpy(dtype=float))
    for column in ("indicator_id", "kind", "standard_id", "zone_id", "measure", "age_band", "limit_m", "profile"):
        if column not in frame:
            continue
        values = frame[column].to_numpy(dtype=object)
        if column in places:
            place = {code: number for number, code in enumerate(places[column])}
            keys.append(np.asarray([place.get(value, len(place)) for value in values], dtype=float))
        elif column == "standard_id":
            role = [value in catalogue.standards and catalogue.standards[value].role != "default" for value in values]
            keys.append(np.asarray(role, dtype=float))
        elif column == "limit_m":
            keys.append(frame[column].to_numpy(dtype=float))
        elif column == "zone_id":
            keys.append(np.asarray(pd.factorize(frame[column].fillna("￿"), sort=True)[0], dtype=float))
    if name == "bridge_summary":  # the chief cause first
        keys.append(-frame["children"].to_numpy(dtype=float))
    return np.lexsort(keys[::-1]) if keys else np.arange(len(frame))


def _sheet(name: str, frame: pd.DataFrame, aliases: Mapping[str, Alias], run: RunTables) -> Sheet:
    lead = [column for column in _LEAD.get(name, ()) if column in frame]
    if name == "zones":
        lead += [
            column for start in ("pop_", "share_walk_", "share_radius_") for column in frame if column.startswith(start)
        ]
    rest = [column for column in frame.columns if column not in lead and column != "synthetic"]
    if "zone_name" in rest:
        rest.insert(0, rest.pop(rest.index("zone_name")))
    if name == "facility_reach" and "name" in rest:
        rest.insert(0, rest.pop(rest.index("name")))
    columns = tuple(_column(name, column, frame, aliases, run) for column in [*lead, *rest])
    shown = pd.DataFrame({one.name: _in_chinese(name, one.name, frame[one.name], run) for one in columns})
    zh, note = EXTRA.get(name) or run.words.table(name)
    return Sheet(zh, name, note, columns, shown)


def schema_column(table: str, name: str) -> Column | None:
    """The schema of a column, None for one that was joined on."""
    source = {"bridge_summary": "bridge"}.get(table, table)
    mine = TABLES[source].columns if source in TABLES else ()
    found = next((one for one in mine if one.name == name), None)
    if found is None and table in ("zones", "bridge_summary"):
        found = next(
            (one for other in ("demand", "blind_spots") for one in TABLES[other].columns if one.name == name), None
        )
    return found


def _column(table: str, name: str, frame: pd.DataFrame, aliases: Mapping[str, Alias], run: RunTables) -> SheetColumn:
    known = schema_column(table, name)
    unit = aliases[name][1] if name in aliases else known.unit if known else ""
    heading, note = run.words.heading(table, name)
    zh = aliases[name][0] if name in aliases else heading
    if unit in _PEOPLE or unit == people_unit(run.relative):
        shown, form = people_unit(run.relative), "weight" if run.relative else "persons"
    else:
        shown, form = run.words.unit(unit), _form(known, unit)
    forms: str | list[str] = form
    if table == "indicators" and name in _BY_UNIT:
        forms, shown = [_OF_UNIT.get(one, "plain") for one in frame["unit"]], ""
    elif table == "indicators" and name in _NUMERATORS:
        forms, shown = [_OF_WEIGHT.get(one, "plain") for one in frame["weight_kind"]], ""
    elif unit == "share":
        shown = ""
    width: float = _WIDE.get(name, 12 if form != "text" else 16)
    width = width if name in _WIDE else max(width, min(2.1 * len(zh) / 2 + 4, 26))
    return SheetColumn(name, zh, shown, forms, width, note)


def _form(column: Column | None, unit: str) -> str:
    """Format of a column that has the same one in all rows."""
    if unit == "share":
        return "percent"
    if column is None or column.dtype not in ("number", "whole"):
        return "text"
    if column.dtype == "whole":
        return "count"
    by_unit = {"m": "count", "ha": "ha", "min": "minutes", "m/s": "minutes", "places": "plain", "places per child": "ratio",
               "1": "ratio", "households": "count", "persons": "count", "classes": "count"}  # fmt: skip
    if column.name == "places_per_child":
        return "ratio"
    return by_unit.get(unit, "plain")


def _in_chinese(table: str, column: str, values: pd.Series, run: RunTables) -> Any:
    """Codes as Chinese words; numbers and names stay."""
    if values.dtype == bool:
        return np.where(values.to_numpy(), "是", "否")
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    plain = values.to_numpy(dtype=object)
    if column in (
        "name",
        "site_name",
        "near_name",
        "owner_name",
        "source",
        "id",
        "row",
    ):  # never a code, whatever it says
        return plain
    if table == "quality":
        return [run.words.value(column, one, run.catalogue) for one in plain] if column == "severity" else plain
    known = {one: run.words.value(column, one, run.catalogue) for one in set(plain) if isinstance(one, str)}
    return [known.get(one, one) for one in plain]
