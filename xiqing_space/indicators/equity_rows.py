"""Rows of Gini and tenth ratio between zones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xiqing_space.catalog import Standard
from xiqing_space.indicators.claims import Claims
from xiqing_space.indicators.equity import gini, tenth_ratio
from xiqing_space.indicators.groups import Groups
from xiqing_space.indicators.rows import Row, Writer
from xiqing_space.indicators.rules import one_number


def equity_rows(
    values: NDArray[np.float64], children: NDArray[np.float64], groups: Groups, writer: Writer, claims: Claims, kind: str, *,
    standard: Standard | None = None, measure: str = "", variant: str = "", words: tuple[str, str] | None = None,
    why: str | None = None,
) -> list[Row]:  # fmt: skip
    """Both figures for the district, from the level and the children of every group; none where the data have one zone only.

    `n_unknown` are children of zones without a level; `why`: why no zone has one.
    """
    rows = []
    level, people = values[groups.zones], children[groups.zones]
    apart = float(people[np.isnan(level)].sum())
    for name, figure in (("A02-gini", gini), ("A02-tenth", tenth_ratio)):
        spec = writer.catalogue.indicators[name]
        unmet = claims.unmet(spec, kind)
        if unmet == "too_few_zones":
            continue
        value = float("nan") if unmet else figure(level, people)
        reason = unmet
        if unmet is None and np.isnan(value):
            known = ~np.isnan(level) & (people > 0)
            reason = "worst_is_zero" if known.sum() > 1 else why if not known.any() and why else "too_few_zones"
        numbers = one_number(value, denominator=float(people.sum()), n_unknown=apart)
        rows.append(writer.row(spec, "*", numbers, kind=kind, standard=standard, measure=measure, variant=variant, words=words,
                               reason=reason))  # fmt: skip
    return rows
