"""Rows of the third step of the bridge: children covered on foot whom the safe walk does not cover, by cause."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xiqing_space.catalog import Standard
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.coverage import Coverage
from xiqing_space.indicators.rows import Row, Writer, at
from xiqing_space.indicators.rules import one_number, share_numbers

LIMIT_DIGITS = 3  # as the table is written: minutes at a pace may give more
CAUSES = ("unsignalised_arterial", "rail", "unverified_barrier", "several")


def safe_rows(coverage: Coverage, writer: Writer, claims: Claims, standard: Standard) -> list[Row]:
    """Shares of all children lost between the walk and the safe walk, in all and by cause; none where nobody measured it."""
    spec, kind, groups, tables = (
        writer.catalogue.indicators["A13-lost"],
        coverage.kind,
        coverage.groups,
        coverage.tables,
    )
    if kind not in tables.safe_kinds or claims.unmet(spec, kind):
        return []
    total = coverage.everyone()
    lost = coverage.sums(
        lambda band: (
            coverage.hit(band, "walk", standard.limit_m(band))
            & ~coverage.hit(band, "safe_walk", standard.limit_m(band))
        )
    )
    unknown = coverage.sums(lambda band: coverage.lost(band, "walk"))
    shares = share_numbers(lost, lost, lost + unknown, total, unknown)
    by_cause = _by_cause(coverage, standard)
    rows = []
    for place, zone_id in enumerate(groups.ids):
        numbers, why = at(shares, place), None
        if np.isnan(numbers["value"]):
            why = coverage.why_empty if total[place] == 0 else coverage.why_unknown
        rows.append(writer.row(spec, zone_id, numbers, kind=kind, standard=standard, measure="safe_walk", reason=why))
        for number, name in enumerate(CAUSES):
            if by_cause[number, 0] > 0 and total[place] > 0:
                met = float(by_cause[number, place])
                one = one_number(met / total[place], numerator=met, denominator=float(total[place]), n_unknown=0.0)
                rows.append(writer.row(spec, zone_id, one, kind=kind, standard=standard, measure="safe_walk", variant=name,
                                       words=writer.catalogue.word(f"cause_{name}")))  # fmt: skip
    return rows


def _by_cause(coverage: Coverage, standard: Standard) -> np.ndarray:
    """Children lost by each cause, a row per cause, a column per group."""
    tables, groups = coverage.tables, coverage.groups
    found = np.zeros((len(CAUSES), len(groups.ids)))
    frame = tables.safe_bridge
    if frame.empty:
        return found
    homes = pd.Index(tables.demand["demand_id"])
    for band in coverage.bands:
        mine = frame[(frame["kind"] == coverage.kind) & (frame["profile"] == band.profile)
                     & (frame["limit_m"] == round(standard.limit_m(band), LIMIT_DIGITS))]  # fmt: skip
        row = homes.get_indexer(pd.Index(mine["demand_id"]))
        for number, name in enumerate(CAUSES):
            chosen = row[(mine["cause"] == name).to_numpy(dtype=bool) & (row >= 0)]
            people = np.zeros(len(homes))
            people[chosen] = coverage.people(band)[chosen]
            found[number] += groups.sums(people)
    return found
