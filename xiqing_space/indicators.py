"""Every analysis table × catalogue -> one table of figures with standard, verdict and evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, Standard
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import open_to_everyone

DISTRICT = "*"
ALL_BANDS = "*"
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

    def __init__(self, tables: Tables, catalogue: Catalogue, kind: str) -> None:
        self.tables, self.kind = tables, kind
        self.bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        access = tables.access[tables.access["kind"] == kind]
        low = tables.low[tables.low["kind"] == kind]
        homes = tables.demand["demand_id"]
        self.by_profile = {}
        # a school whose level nobody states may be of this kind: the high case counts it
        maybe = tables.access[tables.access["kind"] == UNKNOWN_LEVEL] if kind in LEVELS else access
        counted = tables.facilities[open_to_everyone(tables.facilities)]
        self.levels_unknown = kind in LEVELS and bool((counted["kind"] == UNKNOWN_LEVEL).any())
        self.facilities_lost = bool(access["reason"].eq("facility_not_linked").any())
        for profile in sorted({band.profile for band in self.bands}):
            mine = access[access["profile"] == profile].set_index("demand_id").reindex(homes)
            other = maybe[maybe["profile"] == profile].set_index("demand_id").reindex(homes)
            lower = low[low["profile"] == profile].set_index("demand_id")["distance_m"].reindex(homes)
            self.by_profile[profile] = (
                mine["distance_m"].to_numpy(), mine["straight_m"].to_numpy(),
                other["distance_m"].to_numpy(), other["straight_m"].to_numpy(),
                mine["reason"].isin(["home_not_linked", "facility_not_linked"]).to_numpy(), lower.to_numpy(),
            )  # fmt: skip

    @property
    def why_unknown(self) -> str:
        """Why nobody's walk is known: the facilities, or all homes, could not be joined to the network."""
        return "facility_not_linked" if self.facilities_lost else "homes_unknown"

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
            lost = here & unlinked if measure == "walk" else np.zeros(len(here), dtype=bool)
            hit = covered(walk if measure == "walk" else straight, limit)
            perhaps = lost | hit | covered(maybe_walk if measure == "walk" else maybe_straight, limit)
            total += people[here].sum()
            unknown += people[lost].sum()
            met += people[here & hit].sum()
            higher += people[here & perhaps].sum()
            lower += people[here & covered(low, limit)].sum() if measure == "walk" else people[here & hit].sum()
        if total <= unknown:
            return dict.fromkeys(("value", "value_low", "value_high"), np.nan) | {
                "numerator": met,
                "denominator": total,
                "n_unknown": unknown,
            }
        return {
            "value": met / total,
            "value_low": lower / total,
            "value_high": higher / total,
            "numerator": met,
            "denominator": total,
            "n_unknown": unknown,
        }


def build_indicators(tables: Tables, catalogue: Catalogue, run_key: str, synthetic: bool) -> pd.DataFrame:
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

    Notes
    -----
    Where nobody mapped a kind the value is missing and the reason says so; 0 % would be a finding, and there is none.
    """
    inside = tables.demand["inside"].to_numpy(dtype=bool)
    zone_of = tables.demand["zone_id"].to_numpy(dtype=object)
    zones: list[tuple[str, NDArray[np.bool_], set[str | None]]] = []
    settlement = [value if isinstance(value, str) else None for value in tables.zones["settlement"]]
    lived_in = set(zone_of[inside].tolist())
    of_homes = {kind for zone, kind in zip(tables.zones["zone_id"], settlement, strict=True) if zone in lived_in}
    zones.append((DISTRICT, inside, of_homes | ({None} if None in lived_in else set())))
    for zone_id, kind in zip(tables.zones["zone_id"], settlement, strict=True):
        zones.append((zone_id, inside & (zone_of == zone_id), {kind}))
    weight = str(tables.demand["weight_kind"].iloc[0]) if len(tables.demand) else "relative"
    is_open = open_to_everyone(tables.facilities)
    rows: list[dict[str, Any]] = []
    for kind in catalogue.measured_kinds:
        mapped = bool((is_open & (tables.facilities["kind"] == kind).to_numpy()).any())
        rows += _count_rows(tables, catalogue, kind, mapped, is_open)
        coverage = _Coverage(tables, catalogue, kind)
        for standard in catalogue.standards_of(kind):
            for measure in ("radius", "walk") if standard.unit == "m" else ("walk",):
                rows += _coverage_rows(coverage, catalogue, standard, measure, zones, mapped, weight)
    names = dict(zip(tables.zones["zone_id"], tables.zones["name"], strict=True)) | {
        DISTRICT: catalogue.word("district")[0]
    }
    for row in rows:
        row["zone_name"], row["synthetic"] = names[row["zone_id"]], synthetic
        key = "|".join([run_key, *(str(row[part]) for part in ("indicator_id", "kind", "zone_id", "measure",
                                                                "standard_id", "age_band"))])  # fmt: skip
        row["evidence_id"] = "ev-" + hashlib.sha256(key.encode()).hexdigest()[:12]
    return pd.DataFrame(rows)


def _coverage_rows(
    coverage: _Coverage, catalogue: Catalogue, standard: Standard, measure: str,
    zones: list[tuple[str, NDArray[np.bool_], set[str | None]]], mapped: bool, weight: str,
) -> list[dict[str, Any]]:  # fmt: skip
    spec, kind = catalogue.indicators["A02-coverage"], catalogue.kinds[coverage.kind]
    unit = (" m", " m") if standard.unit == "m" else (" 分钟", " min")
    how = catalogue.word(f"measure_{measure}")
    rows = []
    for zone_id, here, settlements in zones:
        groups = [(ALL_BANDS, coverage.bands)]
        if len(coverage.bands) > 1:
            groups += [(band.id, (band,)) for band in coverage.bands]
        for band_id, bands in groups:
            numbers = coverage.share(measure, standard, bands, here)
            reason: str | None = None
            if not mapped:
                numbers |= dict.fromkeys(("value", "value_low", "value_high", "numerator"), np.nan)
                reason = "no_facility_mapped"
            elif np.isnan(numbers["value"]):
                reason = "no_homes" if numbers["denominator"] == 0 else coverage.why_unknown
            verdict, why = verdict_of(standard, measure, numbers["value"], numbers["n_unknown"], settlements)
            if coverage.levels_unknown and numbers["value_high"] > numbers["value"]:
                verdict, why = ("unknown" if verdict else verdict), "school_levels_unknown"
            whose = catalogue.bands.get(band_id)
            rows.append(
                {
                    "indicator_id": spec.id, "action": spec.action, "zone_id": zone_id, "kind": kind.id,
                    "age_band": band_id, "measure": measure, "basis": spec.basis,
                    "label_zh": f"{spec.zh.format(kind=kind.zh)}（{how[0]}，{standard.value:g}{unit[0]}"
                    + (f"，{whose.zh}）" if whose else "）"),
                    "label_en": f"{spec.en.format(kind=kind.en)} ({how[1].lower()}, {standard.value:g}{unit[1]}"
                    + (f", {whose.en})" if whose else ")"),
                    **numbers, "unit": spec.unit, "weight_kind": weight, "standard_id": standard.id,
                    "threshold": standard.value, "threshold_unit": standard.unit, "target": standard.target,
                    "verdict": verdict, "document": standard.document, "clause": standard.clause,
                    "wording": standard.wording, "status": standard.status, "reason": reason or why,
                }
            )  # fmt: skip
    return rows


def _count_rows(
    tables: Tables, catalogue: Catalogue, kind: str, mapped: bool, is_open: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    spec, known = catalogue.indicators["A02-count"], catalogue.kinds[kind]
    inside = tables.facilities["inside"].to_numpy(dtype=bool)
    count = int((is_open & inside & (tables.facilities["kind"] == kind).to_numpy()).sum())
    value = float(count) if mapped else np.nan
    return [
        {
            "indicator_id": spec.id, "action": spec.action, "zone_id": DISTRICT, "kind": kind, "age_band": ALL_BANDS,
            "measure": "", "basis": spec.basis, "label_zh": spec.zh.format(kind=known.zh),
            "label_en": spec.en.format(kind=known.en), "value": value, "value_low": value, "value_high": value,
            "numerator": value, "denominator": np.nan, "n_unknown": np.nan, "unit": spec.unit, "weight_kind": "count",
            "standard_id": "", "threshold": np.nan, "threshold_unit": "", "target": np.nan,
            "verdict": None if mapped else "no_data", "document": "", "clause": "", "wording": "", "status": "",
            "reason": None if mapped else "no_facility_mapped",
        }
    ]  # fmt: skip
