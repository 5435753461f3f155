"""Rows of the complete circle, and of zones that are relatively weak."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Band
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.coverage import Coverage, Flags
from xiqing_space.indicators.rows import Row, Writer, at, without_value
from xiqing_space.indicators.rules import Numbers, one_number, share_numbers
from xiqing_space.indicators.tables import Tables

CIRCLE = "circle"
FEWEST_ZONES = 4


class Circle:
    """Children who have every kind of the circle that they need within its default limit on foot.

    Kinds that nobody mapped are left out of the figure and of its high value, and named; the low value counts children who
    need one of them as not reached. A child is unknown where no kind fails and the walk to one is unknown, and where every
    kind that its band needs is unmapped.

    Parameters
    ----------
    tables : Tables
    coverages : mapping of kind to Coverage
        Of the circle's kinds.
    """

    def __init__(self, tables: Tables, writer: Writer, coverages: Mapping[str, Coverage]) -> None:
        self._catalogue, self._coverages, self._tables = writer.catalogue, coverages, tables
        self.groups = tables.groups
        bands = self._catalogue.bands.values()
        self.bands = tuple(band for band in bands if self._catalogue.circle_of(band))
        self.unmapped = tuple(kind for kind in self._catalogue.circle if not coverages[kind].mapped)
        self.waiting = any(coverages[kind].n_unlocated and coverages[kind].mapped for kind in self._catalogue.circle)

    def missing(self, bands: tuple[Band, ...]) -> tuple[str, ...]:
        """Kinds that some of the bands need and nobody mapped."""
        return tuple(kind for kind in self.unmapped if any(kind in band.kinds for band in bands))

    def _flags(self, band: Band) -> tuple[Flags, Flags, Flags, Flags]:
        """Of each home: all kinds reached; in the low case; perhaps; unknown."""
        count = len(self._tables.demand)
        hit, low, perhaps, failed = (np.ones(count, dtype=bool) for _ in range(4))
        failed[:] = False
        kinds = self._catalogue.circle_of(band)
        for kind in kinds:
            mine = self._coverages[kind]
            if not mine.mapped:
                low[:] = False
                continue
            limit = self._catalogue.standards_of(kind)[0].limit_m(band)
            reached = mine.hit(band, "walk", limit)
            hit &= reached
            low &= mine.low_hit(band, "walk", limit)
            perhaps &= mine.maybe_hit(band, "walk", limit)
            failed |= ~reached & ~mine.lost(band, "walk")
        if all(kind in self.unmapped for kind in kinds):
            nobody = np.zeros(count, dtype=bool)
            return nobody, nobody, ~nobody, ~nobody
        return hit, low, perhaps, ~hit & ~failed

    def share(self, bands: tuple[Band, ...] | None = None) -> Numbers:
        """Shares with their range, for every group."""
        sums = [np.zeros(len(self._tables.demand)) for _ in range(5)]
        for band in bands or self.bands:
            people = self._tables.demand[band.column].to_numpy(dtype=float)
            hit, low, perhaps, unknown = self._flags(band)
            for total, flags in zip(sums, (hit, low & hit, perhaps, np.ones(len(hit)), unknown), strict=True):
                total += people * flags
        return share_numbers(*(self.groups.sums(one) for one in sums))


def circle_rows(circle: Circle, writer: Writer, claims: Claims) -> list[Row]:
    """Rows of every group and band; kinds that are left out stand in the label."""
    catalogue = writer.catalogue
    spec = catalogue.indicators["A02-circle"]
    unmet = claims.unmet(spec)
    rows = []
    for band in (None, *circle.bands):
        bands = (band,) if band else circle.bands
        missing = circle.missing(bands)
        nothing = all(kind in missing for one in bands for kind in catalogue.circle_of(one))
        words = None
        if missing:
            names = [catalogue.kinds[kind] for kind in missing]
            zh, en = catalogue.word("circle_without")
            words = (
                zh.format(kinds="、".join(one.zh for one in names)),
                en.format(kinds=", ".join(one.en for one in names)),
            )
        shares = circle.share(bands)
        for place, zone_id in enumerate(circle.groups.ids):
            numbers, reason = at(shares, place), unmet or ("no_facility_mapped" if nothing else None)
            if reason:
                numbers = without_value(numbers)
            elif np.isnan(numbers["value"]):
                reason = "no_homes" if numbers["denominator"] == 0 else "homes_unknown"
            elif missing:
                reason = "kinds_not_mapped"
            if circle.waiting:
                numbers["value_high"] = np.nan
                reason = reason or "positions_unknown"
            rows.append(
                writer.row(spec, zone_id, numbers, kind=CIRCLE, measure="walk", band=band, words=words, reason=reason)
            )
    return rows


def weak_zones(shares: NDArray[np.float64], whole: float) -> NDArray[np.float64]:
    """Which zones are relatively weak: 1, 0, or NaN where a zone has no share or there are too few.

    Weak is who is among the lowest quarter of the zones that have a share (its last place shared with all that equal it) and
    below the district. No standard says that a weak zone is bad, nor that another one is good.

    Parameters
    ----------
    shares : float (zones,)
    whole : float
        The district's share.
    """
    known = ~np.isnan(shares)
    if known.sum() < FEWEST_ZONES or np.isnan(whole):
        return np.full(len(shares), np.nan)
    worst = np.sort(shares[known])[int(known.sum()) // 4 - 1]
    return np.where(known, ((shares <= worst) & (shares < whole)).astype(float), np.nan)


def weak_rows(
    named: Mapping[str, tuple[Numbers, Coverage | None]], circle: Circle, writer: Writer, claims: Claims
) -> list[Row]:
    """Rows of the zones and, as their number, of the district; of the circle and of single kinds by their default limits."""
    spec, groups = writer.catalogue.indicators["A02-weak"], circle.groups
    if claims.unmet(spec):
        return []
    rows = []
    for kind, (shares, coverage) in named.items():
        values = np.where(shares["denominator"] > 0, shares["value"], np.nan)
        if coverage is not None and not coverage.mapped:
            values = np.full(len(values), np.nan)
        weak = weak_zones(values[groups.zones], float(values[0]))
        known = ~np.isnan(weak)
        standard = writer.catalogue.standards_of(kind)[0] if coverage is not None else None
        why = None if known.any() else ("too_few_zones" if not np.isnan(values[0]) else "no_facility_mapped")
        count = float(weak[known].sum()) if known.any() else np.nan
        every = one_number(count, numerator=count, denominator=float(known.sum()), n_unknown=float((~known).sum()))
        for zone_id, numbers, none in [("*", every, why), *(
            (zone, one_number(float(one)), None if not np.isnan(one) else why or "no_homes")
            for zone, one in zip(groups.ids[groups.first_zone :], weak, strict=True)
        )]:  # fmt: skip
            rows.append(writer.row(spec, zone_id, numbers, kind=kind, standard=standard, measure="walk", weight_kind="count",
                                   reason=none))  # fmt: skip
    return rows
