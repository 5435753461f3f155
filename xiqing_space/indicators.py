"""Every analysis table × catalogue -> one table of figures with standard, verdict and evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, IndicatorSpec, Standard
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.land import cells_as_homes

Zone = tuple[str, NDArray[np.bool_], set[str | None]]
DISTRICT = "*"
ALL_BANDS = "*"
_SLIVER_HA = 1e-3
_SEEN = {"U": "text_not_seen", "P": "proposal_of_this_project"}


@dataclass(frozen=True)
class Tables:
    """What figures are made from: tables as written, and the low-case walking distances.

    `low` has the key of `access` and `distance_m` with unverified barrier crossings closed and, for compounds whose gates
    were guessed, the least favourable one.
    """

    demand: pd.DataFrame
    zones: pd.DataFrame
    facilities: pd.DataFrame
    access: pd.DataFrame
    low: pd.DataFrame
    unlocated: pd.DataFrame
    gate_range: pd.DataFrame

    def of_land(self, cells: pd.DataFrame, access: pd.DataFrame) -> Tables:
        """The same for cells of residential land in place of homes, from `land_cells` and `land_access`."""
        mine = access.rename(columns={"cell_id": "demand_id"})
        low = mine[["demand_id", "kind", "profile"]].assign(distance_m=mine["low_m"])
        return replace(self, demand=cells_as_homes(cells), access=mine, low=low, gate_range=self.gate_range.iloc[:0])

    def n_unlocated(self, kind: str, *, new: bool = False) -> int:
        """Facilities of a kind that exist for everyone at a place which is to be verified; `new`: surely not counted yet."""
        mine = open_to_everyone(self.unlocated) & (self.unlocated["kind"] == kind).to_numpy(dtype=bool)
        return int((mine & ~(self.unlocated["asked"].to_numpy(dtype=bool) & new)).sum())

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """Whether it is known where the people of each row of `demand` live."""
        flags: NDArray[np.bool_] = self.demand["placed"].to_numpy(dtype=bool)
        return flags

    @cached_property
    def distances(self) -> AccessByHome:
        """`access` in the order of the homes."""
        return AccessByHome(self.access, self.demand["demand_id"])

    @cached_property
    def one_gate(self) -> AccessByHome:
        """`gate_range` in the order of the homes: walks over the least favourable gate alone; straight: over the best one."""
        renamed = self.gate_range.rename(columns={"worst_m": "distance_m", "best_m": "straight_m"})
        return AccessByHome(renamed, self.demand["demand_id"])

    @cached_property
    def gates_unknown(self) -> NDArray[np.bool_]:
        """Homes in compounds whose gates nobody knows."""
        flags: NDArray[np.bool_] = self.demand["demand_id"].isin(set(self.gate_range["demand_id"])).to_numpy(dtype=bool)
        return flags

    @cached_property
    def low_distances(self) -> AccessByHome:
        """`low` in the order of the homes."""
        return AccessByHome(self.low, self.demand["demand_id"])


def covered(distance_m: NDArray[np.float64], limit_m: float) -> NDArray[np.bool_]:
    """Whether a distance, as written, is within the limit. Missing is not covered; callers count what is unknown."""
    return np.round(distance_m, 2) <= limit_m


def verdict_of(
    standard: Standard, measure: str, share: float, n_unknown: float, settlements: set[str | None]
) -> tuple[str | None, str | None]:
    """Verdict and the reason for none, for a share of one zone.

    Only the clause's own measure (the straight line) under a rule in force whose text was seen carries a verdict, and urban
    standards only judge urban zones. 宜 and 可 cannot be failed, only be stayed below of.
    """
    if measure != "radius" or standard.unit != "m":
        return None, None
    if np.isnan(share):
        return "no_data", None
    if standard.status != "in_force":
        return None, f"reference_{standard.status}"
    if not standard.gives_verdict:
        return "unknown", _SEEN.get(standard.seen, "wording_not_seen")
    if settlements != {"urban"}:
        return "unknown", "settlement_unknown" if None in settlements else "not_all_urban"
    if share >= standard.target:
        return ("unknown", "homes_unknown") if n_unknown > 0 else ("meets", None)
    return ("fails_mandatory" if standard.wording == "应" else "below_recommended"), None


class _Coverage:
    """Shares of one kind, in every zone and band."""

    indicator, why_empty, by_age = "A02-coverage", "no_homes", True

    def __init__(self, tables: Tables, catalogue: Catalogue, kind: str) -> None:
        self.tables, self.kind = tables, kind
        self.bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        self.n_unlocated = tables.n_unlocated(kind)
        self.by_profile = {}
        # a school whose level nobody states may be of this kind: the high case counts it
        other = UNKNOWN_LEVEL if kind in LEVELS else kind
        counted = tables.facilities[open_to_everyone(tables.facilities)]
        self.levels_unknown = kind in LEVELS and bool((counted["kind"] == UNKNOWN_LEVEL).any())
        for profile in sorted({band.profile for band in self.bands}):
            mine, maybe = tables.distances.of(kind, profile), tables.distances.of(other, profile)
            self.by_profile[profile] = (
                mine.walk_m, mine.straight_m, maybe.walk_m, maybe.straight_m, mine.unlinked,
                tables.low_distances.of(kind, profile).walk_m,
            )  # fmt: skip

    @property
    def why_unknown(self) -> str:
        """Why nobody's walk is known: the facilities, or all homes, could not be joined to the network."""
        of_kind = self.tables.access["reason"].to_numpy(dtype=object) == "facility_not_linked"
        lost = (self.tables.access["kind"].to_numpy(dtype=object)[of_kind] == self.kind).any()
        return "facility_not_linked" if lost else "homes_unknown"

    def share(
        self, measure: str, standard: Standard, bands: tuple[Band, ...], here: NDArray[np.bool_]
    ) -> dict[str, float]:
        """Value with its range, numerator, denominator and unknown of the homes `here`.

        Homes that no street can be joined to are unknown on foot. They stay in the denominator, so that covered, uncovered
        and unknown sum to one and a walk share never exceeds the radius share. The high value counts them as covered, and
        schools of unknown level as schools of this one.
        """
        total = unknown = met = lower = higher = 0.0
        for band in bands:
            walk, straight, maybe_walk, maybe_straight, unlinked, low = self.by_profile[band.profile]
            people = self.tables.demand[band.column].to_numpy()
            limit = standard.limit_m(band)
            lost = here & (unlinked if measure == "walk" else ~self.tables.placed)
            hit = covered(walk if measure == "walk" else straight, limit)
            perhaps = lost | hit | covered(maybe_walk if measure == "walk" else maybe_straight, limit)
            total += people[here].sum()
            unknown += people[lost].sum()
            met += people[here & hit].sum()
            higher += people[here & perhaps].sum()
            lower += people[here & covered(low, limit)].sum() if measure == "walk" else people[here & hit].sum()
        return _numbers(met, lower, higher, total, unknown)

    def gate_share(self, standard: Standard, here: NDArray[np.bool_]) -> dict[str, float]:
        """Share by walk if compounds of unknown gates had one gate (low) or are open on all sides (value and high)."""
        guessed = self.tables.gates_unknown
        met = lower = total = unknown = 0.0
        for band in self.bands:
            mine = self.tables.one_gate.of(self.kind, band.profile)
            main, limit = self.by_profile[band.profile][0], standard.limit_m(band)
            people = self.tables.demand[band.column].to_numpy()
            met += people[here & covered(np.where(guessed, mine.straight_m, main), limit)].sum()
            lower += people[here & covered(np.where(guessed, mine.walk_m, main), limit)].sum()
            total += people[here].sum()
            unknown += people[here & guessed].sum()
        return _numbers(met, lower, met, total, 0.0) | {"n_unknown": unknown}


def _numbers(met: float, lower: float, higher: float, total: float, unknown: float) -> dict[str, float]:
    """Share with range, numerator, denominator and unknown; no share where nothing is known."""
    known = total > unknown
    shares = {"value": met, "value_low": lower, "value_high": higher}
    return {name: one / total if known else np.nan for name, one in shares.items()} | {
        "numerator": met, "denominator": total, "n_unknown": unknown,
    }  # fmt: skip


class _LandCoverage(_Coverage):
    """Shares of residential land: a cell is covered where every target band is, for land has no ages."""

    indicator, why_empty, by_age = "A02-land", "no_residential_land", False

    def share(
        self, measure: str, standard: Standard, bands: tuple[Band, ...], here: NDArray[np.bool_]
    ) -> dict[str, float]:
        """Value with its range, and hectares covered, in all, and of cells that no street can be joined to."""
        hectares = self.tables.demand["area_ha"].to_numpy(dtype=float)
        hit, perhaps, least = here, here, here
        lost = np.zeros(len(here), dtype=bool)
        for band in bands:
            walk, straight, maybe_walk, maybe_straight, unlinked, low = self.by_profile[band.profile]
            limit, on_foot = standard.limit_m(band), measure == "walk"
            mine = covered(walk if on_foot else straight, limit)
            apart = unlinked & on_foot
            hit = hit & mine
            perhaps = perhaps & (mine | apart | covered(maybe_walk if on_foot else maybe_straight, limit))
            least = least & (covered(low, limit) if on_foot else mine)
            lost = lost | apart
        sums = [float(hectares[one].sum()) for one in (hit, least, perhaps, here, here & lost)]
        return _numbers(*sums)


def _zones(tables: Tables, counts: NDArray[np.bool_] | None = None) -> list[Zone]:
    """The district and each zone: id, its rows of `demand`, and settlements (of the district: where anybody lives).

    `counts`: rows that tell where anybody lives; all by default.
    """
    inside = tables.demand["inside"].to_numpy(dtype=bool)
    zone_of = tables.demand["zone_id"].to_numpy(dtype=object)
    zones: list[Zone] = []
    settlement = [value if isinstance(value, str) else None for value in tables.zones["settlement"]]
    lived_in = set(zone_of[inside if counts is None else inside & counts].tolist())
    of_homes = {kind for zone, kind in zip(tables.zones["zone_id"], settlement, strict=True) if zone in lived_in}
    somewhere_else = any(not isinstance(zone, str) for zone in lived_in)
    zones.append((DISTRICT, inside, of_homes | ({None} if somewhere_else else set())))
    for zone_id, kind in zip(tables.zones["zone_id"], settlement, strict=True):
        zones.append((zone_id, inside & (zone_of == zone_id), {kind}))
    return zones


def build_indicators(
    tables: Tables, catalogue: Catalogue, run_key: str, synthetic: bool, land: Tables | None = None
) -> pd.DataFrame:
    """The `indicators` table (unsorted).

    Parameters
    ----------
    tables : Tables
    catalogue : Catalogue
        With the configuration's standards.
    run_key : str
        Hash of config, inputs and code; evidence ids are made from it and the row's own key.
    synthetic : bool
        Whether the figures are of the invented sample; each row says so.
    land : Tables, optional
        From `Tables.of_land` where land use is known.

    Notes
    -----
    Where nobody mapped a kind the value is missing and the reason says so; 0 % would be a finding, and there is none.
    """
    zones = _zones(tables)
    weight = str(tables.demand["weight_kind"].iloc[0]) if len(tables.demand) else "relative"
    is_open = open_to_everyone(tables.facilities)
    # slivers between zones that do not quite meet say nothing of where people live
    land_zones = [] if land is None else _zones(land, land.demand["area_ha"].to_numpy(dtype=float) > _SLIVER_HA)
    rows: list[dict[str, Any]] = []
    for kind in catalogue.measured_kinds:
        mapped = bool((is_open & (tables.facilities["kind"] == kind).to_numpy()).any())
        rows += _count_rows(tables, catalogue, kind, mapped, is_open)
        coverage = _Coverage(tables, catalogue, kind)
        of_land = None if land is None else _LandCoverage(land, catalogue, kind)
        for standard in catalogue.standards_of(kind):
            for measure in ("radius", "walk") if standard.unit == "m" else ("walk",):
                rows += _coverage_rows(coverage, catalogue, standard, measure, zones, mapped, weight)
                if of_land is not None:
                    rows += _coverage_rows(of_land, catalogue, standard, measure, land_zones, mapped, "hectares")
            if standard.role == "default" and mapped:
                rows += gate_rows(coverage, catalogue, standard, zones, weight)
    names = dict(zip(tables.zones["zone_id"], tables.zones["name"], strict=True)) | {
        DISTRICT: catalogue.word("district")[0]
    }
    for row in rows:
        row["zone_name"], row["synthetic"] = names[row["zone_id"]], synthetic
        key = "|".join([run_key, *(str(row[part]) for part in ("indicator_id", "kind", "zone_id", "measure",
                                                                "standard_id", "age_band"))])  # fmt: skip
        row["evidence_id"] = "ev-" + hashlib.sha256(key.encode()).hexdigest()[:12]
    return pd.DataFrame(rows)


def _labels(
    spec: IndicatorSpec, catalogue: Catalogue, kind_id: str, standard: Standard, measure: str, band: Band | None
) -> dict[str, str]:
    unit = (" m", " m") if standard.unit == "m" else (" 分钟", " min")
    kind, how = catalogue.kinds[kind_id], catalogue.word(f"measure_{measure}")
    return {
        "label_zh": f"{spec.zh.format(kind=kind.zh)}（{how[0]}，{standard.value:g}{unit[0]}"
        + (f"，{band.zh}）" if band else "）"),
        "label_en": f"{spec.en.format(kind=kind.en)} ({how[1].lower()}, {standard.value:g}{unit[1]}"
        + (f", {band.en})" if band else ")"),
    }


def _rule(standard: Standard) -> dict[str, Any]:
    return {
        "standard_id": standard.id, "threshold": standard.value, "threshold_unit": standard.unit, "target": standard.target,
        "document": standard.document, "clause": standard.clause, "wording": standard.wording, "status": standard.status,
    }  # fmt: skip


def gate_rows(
    coverage: _Coverage, catalogue: Catalogue, standard: Standard, zones: list[Zone], weight: str
) -> list[dict[str, Any]]:
    """Range one gate ↔ all sides of the zones that have homes in compounds of unknown gates; the main figure has all sides.

    `value_low` gives every home of such a compound its own least favourable gate, alone: a bound, no scenario. Barrier
    crossings stay open; `n_unknown` counts the children who live in such compounds.
    """
    spec, kind = catalogue.indicators["A02-gates"], catalogue.kinds[coverage.kind]
    rows = []
    for zone_id, here, _ in zones:
        numbers = coverage.gate_share(standard, here)
        if not numbers["n_unknown"] > 0:
            continue
        rows.append(
            {
                "indicator_id": spec.id, "action": spec.action, "zone_id": zone_id, "kind": kind.id,
                "age_band": ALL_BANDS, "measure": "walk", "basis": spec.basis,
                **_labels(spec, catalogue, kind.id, standard, "walk", None), **numbers, "unit": spec.unit,
                "weight_kind": weight, **_rule(standard), "verdict": None, "reason": None,
            }
        )  # fmt: skip
    return rows


def _coverage_rows(
    coverage: _Coverage, catalogue: Catalogue, standard: Standard, measure: str,
    zones: list[Zone], mapped: bool, weight: str,
) -> list[dict[str, Any]]:  # fmt: skip
    spec, kind = catalogue.indicators[coverage.indicator], catalogue.kinds[coverage.kind]
    rows = []
    for zone_id, here, settlements in zones:
        groups = [(ALL_BANDS, coverage.bands)]
        if len(coverage.bands) > 1 and coverage.by_age:
            groups += [(band.id, (band,)) for band in coverage.bands]
        for band_id, bands in groups:
            numbers = coverage.share(measure, standard, bands, here)
            reason: str | None = None
            if not mapped:
                numbers |= dict.fromkeys(("value", "value_low", "value_high", "numerator"), np.nan)
                reason = "no_facility_mapped"
            elif np.isnan(numbers["value"]):
                reason = coverage.why_empty if numbers["denominator"] == 0 else coverage.why_unknown
            verdict, why = verdict_of(standard, measure, numbers["value"], numbers["n_unknown"], settlements)
            if coverage.levels_unknown and numbers["value_high"] > numbers["value"]:
                verdict, why = ("unknown" if verdict else verdict), "school_levels_unknown"
            if coverage.n_unlocated and mapped:
                # they may stand anywhere: the figure is a least one, and nothing falls short for certain
                numbers["value_high"] = np.nan
                if verdict != "meets":
                    verdict, why = ("unknown" if verdict else verdict), "positions_unknown"
            rows.append(
                {
                    "indicator_id": spec.id, "action": spec.action, "zone_id": zone_id, "kind": kind.id,
                    "age_band": band_id, "measure": measure, "basis": spec.basis,
                    **_labels(spec, catalogue, kind.id, standard, measure, catalogue.bands.get(band_id)),
                    **numbers, "unit": spec.unit, "weight_kind": weight, **_rule(standard),
                    "verdict": verdict, "reason": reason or why,
                }
            )  # fmt: skip
    return rows


def _count_rows(
    tables: Tables, catalogue: Catalogue, kind: str, mapped: bool, is_open: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    spec, known = catalogue.indicators["A02-count"], catalogue.kinds[kind]
    inside = tables.facilities["inside"].to_numpy(dtype=bool)
    count = int((is_open & inside & (tables.facilities["kind"] == kind).to_numpy()).sum())
    lost = tables.n_unlocated(kind)
    # what a list names exists, wherever it stands; what may be one of those already counted widens the range
    mapped = mapped or lost > 0
    value = float(count + tables.n_unlocated(kind, new=True)) if mapped else np.nan
    high = float(count + lost) if mapped else np.nan
    return [
        {
            "indicator_id": spec.id, "action": spec.action, "zone_id": DISTRICT, "kind": kind, "age_band": ALL_BANDS,
            "measure": "", "basis": spec.basis, "label_zh": spec.zh.format(kind=known.zh),
            "label_en": spec.en.format(kind=known.en), "value": value, "value_low": value, "value_high": high,
            "numerator": value, "denominator": np.nan, "n_unknown": float(lost) if lost else np.nan, "unit": spec.unit, "weight_kind": "count",
            "standard_id": "", "threshold": np.nan, "threshold_unit": "", "target": np.nan,
            "verdict": None if mapped else "no_data", "document": "", "clause": "", "wording": "", "status": "",
            "reason": ("positions_unknown" if lost else None) if mapped else "no_facility_mapped",
        }
    ]  # fmt: skip
