"""The tables of a public release, made from those of the run: what is not listed in release.toml has no rows."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.release import load_release
from xiqing_space.release.cells import Cells, build_cells
from xiqing_space.release.figures import release_indicators, release_minutes
from xiqing_space.release.grid import cell_corners
from xiqing_space.release.people import People, count_people, zone_demand
from xiqing_space.release.routes import (
    release_fixes,
    release_flows,
    release_forest,
    release_gate_rules,
    release_openings,
    release_schools,
)  # fmt: skip
from xiqing_space.release.spots import release_spots
from xiqing_space.tables import empty

_NO_WORDS = ("area", "zones", "indicators")  # their texts are the office's and the plan's own
_ID = re.compile(r"(^|_)ids?$")


class Reader(Protocol):
    """Hands out tables by name."""

    def get(self, name: str) -> pd.DataFrame:
        """A table of the run."""


class PublicTables:
    """Tables of a run as a public release may show them: zones and cells, no home, no number below the floor.

    A planner may not conclude that what is left out does not exist; `withheld` says where a figure was.

    Parameters
    ----------
    store : Reader
        Tables of the run; they stay as they are.
    catalogue : Catalogue
        With the configuration's standards.
    floor : int
        Least number of children of a figure that is shown.
    """

    public = True

    def __init__(self, store: Reader, catalogue: Catalogue, floor: int) -> None:
        self._store, self._whole, self._floor = store, catalogue, float(floor)
        self._rules = load_release()
        self._held: dict[str, pd.DataFrame] = {}

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue without kinds, rules and works that a public page does not name."""
        whole, rules = self._whole, self._rules
        return whole.model_copy(update={
            "kinds": {key: one for key, one in whole.kinds.items() if key not in rules.private_kinds},
            "gate_rules": {key: one for key, one in whole.gate_rules.items() if one.public},
            "treatments": {key: one for key, one in whole.treatments.items() if key not in rules.withheld_treatments},
            "reported": {key: one for key, one in whole.reported.items() if not re.search(rules.unnamed, one.zh + one.en)},
        })  # fmt: skip

    def get(self, name: str) -> pd.DataFrame:
        """A table as it may be shown; a table that may not be is empty."""
        if name not in self._held:
            self._held[name] = self._made(name)
        return self._held[name]

    def reports(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Of a run's tables those that files of the release hold, and the cells."""
        return (
            *(name for name in names if name in self._rules.columns and name != "school_forest"),
            "cells",
            "cell_shares",
        )

    def doubts(self, doubts: pd.DataFrame) -> pd.DataFrame:
        """Doubts by kind, without the rows, names and places that they speak of."""
        kept = doubts[doubts["severity"] != "info"]
        count = kept["check"].value_counts()
        first = kept.drop_duplicates("check").copy()
        for language in ("zh", "en"):
            words = [re.sub(r"\{[^}]*\}", "…", self._whole.quality[check][language]) for check in first["check"]]
            first[f"what_{language}"] = [
                f"{text}（{count[check]:,}）" if language == "zh" else f"{text} ({count[check]:,})"
                for text, check in zip(words, first["check"], strict=True)
            ]
        first[["source", "row", "id"]] = ""
        return first[~(first["what_zh"] + first["what_en"]).str.contains(self._rules.unnamed, regex=True)].reset_index(
            drop=True
        )

    # parts that several tables need

    @cached_property
    def _people(self) -> People:
        return count_people(
            self._store.get("demand"), self._store.get("zones"), self._whole, self._floor, self._rules.least_homes
        )

    @cached_property
    def _epsg(self) -> int:
        return int(self._store.get("area")["metric_epsg"].iloc[0])

    @cached_property
    def cells(self) -> Cells:
        """Cells with shares and classes."""
        get = self._store.get
        return build_cells(
            get("demand"),
            get("access"),
            get("zones"),
            self.catalogue,
            self._rules,
            self._people,
            self._floor,
            self._epsg,
        )

    @cached_property
    def _private(self) -> set[str]:
        """Sites that are left out: special schools, rehabilitation, military and custody."""
        sites = self._store.get("facilities")
        named = sites["name"].fillna("").str.contains(self._rules.unnamed, regex=True)
        return set(sites.loc[sites["kind"].isin(self._rules.private_kinds) | named, "site_id"])

    def _made(self, name: str) -> pd.DataFrame:
        if name in ("cells", "cell_shares"):
            return self.cells.cells if name == "cells" else self.cells.shares
        if name == "demand":
            return zone_demand(self._store.get("demand"), self._store.get("zones"), self._people, self._whole)
        if name not in self._rules.columns:
            return empty(name)
        frame = self._rows(name)
        frame = _without(frame, self._rules.columns[name])
        return frame if name in _NO_WORDS else self._unnamed(frame)

    def _rows(self, name: str) -> Any:
        """Rows of a table, figures and places as they may be shown."""
        frame, floor, rules, private = self._store.get(name), self._floor, self._rules, self._private_of(name)
        if name in ("facilities", "grounds"):
            return frame[~frame["site_id"].isin(private)].reset_index(drop=True)
        if name == "barriers":
            named = frame["name"].fillna("").str.contains(rules.unnamed, regex=True)
            return frame[(frame["barrier"] != "wall") & ~named].reset_index(drop=True)
        if name == "catchments":
            return frame[~frame["kind"].isin(rules.private_kinds)].reset_index(drop=True)
        if name == "blind_spots":
            homes = self._store.get("demand")
            corners = np.unique(cell_corners(homes.geometry.to_numpy(), self._epsg, rules.cell_m), axis=0)
            return release_spots(frame[~frame["kind"].isin(rules.private_kinds)], corners, rules, floor, self._epsg)
        if name == "indicators":
            return release_indicators(frame, self._people, self._whole, rules, floor)
        if name == "walk_minutes":
            return release_minutes(
                frame[~frame["kind"].isin(rules.private_kinds)].reset_index(drop=True), self._people, self._whole
            )
        if name == "school_forest":
            return release_forest(frame, private, floor, rules)
        if name == "pupil_flows":
            return release_flows(frame, self._store.get("school_forest"), self.get("school_forest"), private, floor)
        if name == "schools":
            return release_schools(frame, private, floor, rules)
        if name == "gate_rules":
            return release_gate_rules(frame, self._whole, private)
        if name == "fixes":
            return release_fixes(frame, rules, private, floor)
        if name == "gate_openings":
            return release_openings(frame[~frame["kind"].isin(rules.private_kinds)], private, floor)
        return frame

    def _private_of(self, name: str) -> set[str]:
        """Left-out sites, looked up only for tables that speak of sites."""
        spoken = (
            "facilities",
            "grounds",
            "school_forest",
            "pupil_flows",
            "schools",
            "gate_rules",
            "fixes",
            "gate_openings",
        )
        return self._private if name in spoken else set()

    def _unnamed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Names that a public page does not hold are taken out of every text; ids are no names."""
        frame = frame.copy()
        zh, en = self._whole.word("name_withheld")
        for column in frame.columns:
            if column == "geometry" or _ID.search(column) or not pd.api.types.is_string_dtype(frame[column].dtype):
                continue
            found = frame[column].str.contains(self._rules.unnamed, regex=True, na=False)
            if found.any():
                word = en if column.endswith("_en") else zh
                frame.loc[found, column] = word if column.endswith(("_zh", "_en")) else None
        return frame


def _without(frame: Any, columns: tuple[str, ...]) -> Any:
    """A table without columns: numbers are missing in all rows, for writers sort by them; texts and flags are gone."""
    numbers = [one for one in columns if pd.api.types.is_float_dtype(frame[one].dtype)]
    return frame.assign(**dict.fromkeys(numbers, np.nan)).drop(columns=[one for one in columns if one not in numbers])
