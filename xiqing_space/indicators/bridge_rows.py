"""Rows of the bridge: children whom the radius covers and the walk does not, by cause."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Standard
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.coverage import Coverage
from xiqing_space.indicators.rows import Row, Writer, at
from xiqing_space.indicators.rules import one_number, share_numbers
from xiqing_space.indicators.tables import Tables
from xiqing_space.schemas.coverage import CAUSES


class Bridge:
    """The `bridge` table by kind and profile: row of the home, and its cause as a number of `CAUSES`."""

    def __init__(self, tables: Tables) -> None:
        self._frame, self._demand = tables.bridge, tables.demand["demand_id"]

    @cached_property
    def _parts(self) -> dict[tuple[str, str, float], tuple[NDArray[np.int64], NDArray[np.int64]]]:
        if self._frame.empty:
            return {}
        home = pd.Index(self._demand).get_indexer(pd.Index(self._frame["demand_id"]))
        cause = pd.Index(CAUSES).get_indexer(pd.Index(self._frame["cause"]))
        groups = self._frame.reset_index(drop=True).groupby(["kind", "profile", "limit_m"], sort=True).indices
        return {key: (home[rows][home[rows] >= 0], cause[rows][home[rows] >= 0]) for key, rows in groups.items()}

    def causes(self, kind: str, profile: str, limit_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Homes and causes; none where the table has no rows of them."""
        nothing = np.zeros(0, dtype=np.int64)
        return self._parts.get((kind, profile, limit_m), (nothing, nothing))


def bridge_rows(coverage: Coverage, bridge: Bridge, writer: Writer, claims: Claims, standard: Standard) -> list[Row]:
    """Shares of all children lost between the radius and the walk, in all and by cause; causes that occur in the district.

    In all: without those whose walk is unknown, who stand in `n_unknown` and in the high value. The causes of a zone sum to
    its figure and its unknown.
    """
    spec, kind, groups = writer.catalogue.indicators["A02-bridge"], coverage.kind, coverage.groups
    if standard.unit != "m" or claims.unmet(spec, kind):
        return []
    limit, walks = standard.value, coverage.walks
    n_homes = len(coverage.tables.demand)
    near = {band.id: coverage.hit(band, "radius", limit) for band in coverage.bands}
    lost = coverage.sums(
        lambda band: near[band.id] & ~walks[band.profile].main.unlinked & ~coverage.hit(band, "walk", limit)
    )
    unknown = coverage.sums(lambda band: near[band.id] & walks[band.profile].main.unlinked)
    total = coverage.everyone()
    shares = share_numbers(lost, lost, lost + unknown, total, unknown)
    by_cause = np.zeros((len(CAUSES), len(total)))
    told = False
    for band in coverage.bands:
        home, cause = bridge.causes(kind, band.profile, limit)
        told |= len(home) > 0
        for number in np.unique(cause).tolist():
            people = np.zeros(n_homes)
            mine = home[cause == number]
            people[mine] = coverage.people(band)[mine]
            by_cause[number] += groups.sums(people)
    reason = "causes_not_measured" if not told and float(lost[0] + unknown[0]) > 0 else None
    rows = []
    for place, zone_id in enumerate(groups.ids):
        numbers, why = at(shares, place), reason
        if np.isnan(numbers["value"]):
            why = coverage.why_empty if total[place] == 0 else coverage.why_unknown
        rows.append(writer.row(spec, zone_id, numbers, kind=kind, standard=standard, measure="walk", reason=why))
        for number, name in enumerate(CAUSES):
            if by_cause[number, 0] > 0 and total[place] > 0:
                met = float(by_cause[number, place])
                one = one_number(met / total[place], numerator=met, denominator=float(total[place]), n_unknown=0.0)
                rows.append(writer.row(spec, zone_id, one, kind=kind, standard=standard, measure="walk", variant=name,
                                       words=writer.catalogue.word(f"cause_{name}")))  # fmt: skip
    return rows
