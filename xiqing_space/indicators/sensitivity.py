"""How far a headline share moves when one assumption does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue, Standard
from xiqing_space.indicators.coverage import Coverage
from xiqing_space.indicators.coverage_rows import measures_of
from xiqing_space.indicators.rows import Row
from xiqing_space.indicators.rules import covered

FASTER = 1.1
SLOWER = 0.9
_BY_MEASURE = {
    "walk": ("alternative_limit", "faster_10", "slower_10", "no_access_legs", "no_inferred_facilities", "one_gate"),
    "radius": ("alternative_limit", "no_inferred_facilities"),
}


@dataclass(frozen=True)
class _Changed:
    """Children covered with the change, for every group; or why there is no such figure."""

    met: NDArray[np.float64] | None = None
    reason: str | None = None
    changed_to: str | None = None


def sensitivity_rows(coverage: Coverage, catalogue: Catalogue, names: dict[str, str], synthetic: bool) -> list[Row]:
    """Rows of one kind's default standard: every group, both measures where it is in metres, and every scenario of the measure.

    A difference says how far the figure leans on one assumption, one at a time; it is no error bar, and differences do not
    add up.

    Notes
    -----
    alternative_limit: the kind's first other standard in the same unit, else the first other one (on foot only).
    faster_10, slower_10: limits in minutes at a pace 10 % faster or slower; metres do not move with the pace.
    no_access_legs: without the way between home, street and door. no_inferred_facilities: without those whose place a list
    was only matched to, by name or address, and nothing on the map confirms. one_gate: as A02-gates has it.
    """
    rows: list[Row] = []
    standards = catalogue.standards_of(coverage.kind)
    if not standards:
        return rows
    total = coverage.everyone()
    for measure in measures_of(standards[0]):
        shares = coverage.share(measure, standards[0])["value"]
        for scenario in _BY_MEASURE[measure]:
            found = _change(coverage, standards, measure, scenario) if coverage.mapped else _Changed()
            for place, zone_id in enumerate(coverage.groups.ids):
                value = float(shares[place]) if coverage.mapped else np.nan
                reason, changed = found.reason, np.nan
                if not coverage.mapped:
                    reason = "no_facility_mapped"
                elif np.isnan(value):
                    reason = coverage.why_empty if total[place] == 0 else coverage.why_unknown
                elif found.met is not None:
                    changed = float(found.met[place] / total[place])
                rows.append(
                    {
                        "indicator_id": coverage.indicator, "kind": coverage.kind, "zone_id": zone_id, "zone_name": names[zone_id],
                        "measure": measure, "standard_id": standards[0].id, "scenario": scenario, "changed_to": found.changed_to,
                        "value": value, "changed": changed, "difference": round(changed, 6) - round(value, 6), "reason": reason,
                        "synthetic": synthetic,
                    }
                )  # fmt: skip
    return rows


def _change(coverage: Coverage, standards: tuple[Standard, ...], measure: str, scenario: str) -> _Changed:
    default, kind = standards[0], coverage.kind
    if scenario == "alternative_limit":
        other = _alternative(standards, measure)
        if other is None:
            return _Changed(reason="no_alternative")
        return _Changed(
            coverage.sums(lambda band: coverage.hit(band, measure, other.limit_m(band))), changed_to=other.id
        )
    if scenario in ("faster_10", "slower_10"):
        if default.unit == "m":
            return _Changed(reason="metres_have_no_pace")
        pace = FASTER if scenario == "faster_10" else SLOWER
        return _Changed(coverage.sums(lambda band: coverage.hit(band, measure, pace * default.limit_m(band))))
    if scenario == "no_access_legs":
        legless = coverage.tables.no_leg_distances

        def near(band: Band) -> NDArray[np.bool_]:
            # a home whose nearest facility is at its own door already has no legs to lose
            return covered(legless.of(kind, band.profile).walk_m, default.limit_m(band)) | coverage.hit(
                band, measure, default.limit_m(band)
            )

        return _Changed(coverage.sums(near))
    if scenario == "no_inferred_facilities":
        found = coverage.other_case(coverage.tables.no_inferred_distances, measure, default)["numerator"]
        return (
            _Changed(found)
            if found[0] > 0 or coverage.sums(lambda band: coverage.hit(band, measure, default.limit_m(band)))[0] == 0
            else _Changed(reason="all_inferred")
        )
    if len(coverage.tables.gate_range) == 0:
        return _Changed(coverage.sums(lambda band: coverage.hit(band, measure, default.limit_m(band))))
    shares = coverage.gate_share(default)
    return _Changed(shares["value_low"] * np.where(shares["denominator"] > 0, shares["denominator"], np.nan))


def _alternative(standards: tuple[Standard, ...], measure: str) -> Standard | None:
    """The other standard that a share is held against: in the default's unit where there is one, and in metres for a radius."""
    others = [one for one in standards[1:] if measure == "walk" or one.unit == "m"]
    same = [one for one in others if one.unit == standards[0].unit]
    return next(iter([*same, *others]), None)
