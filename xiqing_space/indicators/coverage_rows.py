"""Rows of shares: by radius and walk, of land, with the district's own facilities alone, over the range of unknown gates."""

from __future__ import annotations

import numpy as np

from xiqing_space.catalog import Band, Standard
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.coverage import Coverage
from xiqing_space.indicators.rows import Row, Writer, at, without_value
from xiqing_space.indicators.rules import Numbers, one_number, verdict_of
from xiqing_space.indicators.tables import Tables


def measures_of(standard: Standard, safe: bool = False) -> tuple[str, ...]:
    """A radius is metres; minutes are walked; `safe`: whether safe walks to the kind were measured."""
    found = ("radius", "walk") if standard.unit == "m" else ("walk",)
    return (*found, "safe_walk") if safe else found


def coverage_rows(
    coverage: Coverage, writer: Writer, claims: Claims, standard: Standard, measure: str, weight_kind: str | None = None
) -> list[Row]:
    """Rows of one kind, standard and measure: every group, and every target band where children are counted."""
    catalogue = writer.catalogue
    spec, kind, groups = catalogue.indicators[coverage.indicator], coverage.kind, coverage.groups
    unmet = claims.unmet(spec, kind)
    by_band: list[tuple[Band | None, Numbers]] = [(None, coverage.share(measure, standard))]
    if len(coverage.bands) > 1 and coverage.by_age:
        by_band += [(band, coverage.share(measure, standard, (band,))) for band in coverage.bands]
    rows = []
    for place, zone_id in enumerate(groups.ids):
        for band, shares in by_band:
            numbers, reason = at(shares, place), unmet
            if unmet:
                numbers = without_value(numbers)
            elif np.isnan(numbers["value"]):
                reason = coverage.why_empty if numbers["denominator"] == 0 else coverage.why_unknown
            verdict, why = verdict_of(
                standard, measure, numbers["value"], numbers["n_unknown"], groups.settlements[place]
            )
            if coverage.levels_unknown and numbers["value_high"] > numbers["value"]:
                verdict, why = ("unknown" if verdict else verdict), "school_levels_unknown"
            if coverage.n_unlocated and coverage.mapped:
                # they may stand anywhere: the figure is a least one, and nothing falls short for certain
                numbers["value_high"] = np.nan
                if verdict != "meets":
                    verdict, why = ("unknown" if verdict else verdict), "positions_unknown"
            rows.append(
                writer.row(spec, zone_id, numbers, kind=kind, standard=standard, measure=measure, band=band, verdict=verdict,
                           reason=reason or why, weight_kind=weight_kind)
            )  # fmt: skip
    return rows


def inside_rows(coverage: Coverage, writer: Writer, claims: Claims, standard: Standard) -> list[Row]:
    """Shares by the district's own facilities alone; no rows where no facility of the kind stands outside it.

    What lies below the share with all facilities is lent by the neighbours. It gives no verdict: the clause does not ask whose
    facility it is.
    """
    spec, kind, facilities = writer.catalogue.indicators["A02-inside"], coverage.kind, coverage.tables.facilities
    mine = coverage.tables.is_open & (facilities["kind"] == kind).to_numpy(dtype=bool)
    inside = facilities["inside"].to_numpy(dtype=bool)
    if not (mine & ~inside).any() or claims.unmet(spec, kind):
        return []
    reason = None if (mine & inside).any() else "none_inside"
    rows = []
    for measure in measures_of(standard):
        shares = coverage.other_case(coverage.tables.inside_distances, measure, standard)
        for place, zone_id in enumerate(coverage.groups.ids):
            numbers = at(shares, place)
            why = (
                (coverage.why_empty if numbers["denominator"] == 0 else coverage.why_unknown)
                if np.isnan(numbers["value"])
                else reason
            )
            if coverage.n_unlocated:
                numbers["value_high"] = np.nan
                why = why or "positions_unknown"
            rows.append(writer.row(spec, zone_id, numbers, kind=kind, standard=standard, measure=measure, reason=why))
    return rows


def gate_rows(coverage: Coverage, writer: Writer, claims: Claims, standard: Standard) -> list[Row]:
    """Range one gate ↔ all sides of the zones that have homes in compounds of unknown gates; the main figure has all sides.

    `value_low` gives every home of such a compound its own least favourable gate, alone: a bound, no scenario. Barrier
    crossings stay open; `n_unknown` counts the children who live in such compounds.
    """
    spec = writer.catalogue.indicators["A02-gates"]
    if claims.unmet(spec, coverage.kind):
        return []
    shares = coverage.gate_share(standard)
    found = [(coverage.groups.ids[place], at(shares, place)) for place in coverage.groups.plain]
    return [
        writer.row(spec, zone_id, numbers, kind=coverage.kind, standard=standard, measure="walk")
        for zone_id, numbers in found if numbers["n_unknown"] > 0
    ]  # fmt: skip


def count_row(tables: Tables, writer: Writer, claims: Claims, kind: str) -> Row:
    """How many there are in the district: what a list names exists, wherever it stands.

    What may be one of those already counted widens the range.
    """
    specs = writer.catalogue.indicators
    own = next((one for one in specs.values() if one.id.endswith("-count") and kind in one.kinds), None)
    spec = own or specs["A02-count"]
    facilities = tables.facilities
    inside = facilities["inside"].to_numpy(dtype=bool)
    mine = tables.is_open & (facilities["kind"] == kind).to_numpy(dtype=bool)
    lost = tables.n_unlocated(kind)
    if not (mine.any() or lost):
        return writer.row(spec, "*", {}, kind=kind, weight_kind="count", verdict="no_data", reason=claims.unmet(spec, kind)
                          or "no_facility_mapped")  # fmt: skip
    count = int((mine & inside).sum())
    value = float(count + tables.n_unlocated(kind, new=True))
    numbers = one_number(value, numerator=value, n_unknown=float(lost) if lost else np.nan)
    return writer.row(spec, "*", numbers | {"value_high": float(count + lost)}, kind=kind, weight_kind="count",
                      reason="positions_unknown" if lost else None)  # fmt: skip
