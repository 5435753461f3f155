"""Can this input support this claim? What an indicator needs, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import pandas as pd

from xiqing_space.catalog import IndicatorSpec
from xiqing_space.indicators.places import Communities, Sites
from xiqing_space.indicators.tables import Tables

DOCTORS = ("gp_doctors", "child_health_doctors")


class Claims:
    """Holds indicators against the data at hand; each need has one question and one reason."""

    def __init__(self, tables: Tables, sites: Sites, communities: Communities) -> None:
        self._tables, self._sites, self._communities = tables, sites, communities
        self._questions: dict[str, tuple[Callable[[str], bool], str]] = {
            "facilities": (lambda kind: len(sites.of(kind)) > 0, "no_facility_mapped"),
            "located": (lambda kind: kind in tables.located_kinds, "no_facility_mapped"),
            "homes": (lambda _: bool(tables.groups.inside.any()), "no_homes"),
            "land_use": (lambda _: "area_ha" in tables.demand.columns, "no_residential_land"),
            "compounds": (lambda _: len(tables.gate_range) > 0, "no_guessed_gates"),
            "zones": (lambda _: len(tables.zones) > 1, "too_few_zones"),
            "persons": (lambda _: tables.weight_kind == "persons", "relative_weights"),
            "residents": (lambda _: self._residents, "residents_unknown"),
            "places": (lambda kind: bool(sites.of(kind)["capacity_places"].notna().any()), "no_places_known"),
            "supply": (lambda kind: kind in self._supplied, "supply_not_measured"),
            "doctors": (lambda kind: bool(sites.of(kind)[[*DOCTORS]].notna().all(axis=1).any()), "no_doctor_counts"),
            "communities": (lambda _: len(communities.frame) > 0, "no_communities"),
            "stated": (lambda _: bool(tables.stated), "no_stated_total"),
        }  # fmt: skip

    def unmet(self, spec: IndicatorSpec, kind: str = "") -> str | None:
        """Why an indicator cannot be told of a kind; None where everything that it needs is there."""
        for need in spec.needs:
            there, reason = self._questions[need]
            if not there(kind):
                return reason
        return None

    @cached_property
    def _residents(self) -> bool:
        everyone = self._tables.demand.loc[self._tables.groups.inside, "pop_total"].to_numpy(dtype=float)
        return len(everyone) > 0 and not bool(np.isnan(everyone).any()) and float(everyone.sum()) > 0

    @cached_property
    def _supplied(self) -> set[str]:
        supply = self._tables.supply
        return set(pd.unique(supply["kind"])) if len(supply) else set()
