"""Minutes to the nearest facility at each age band's own pace, with an adult's beside them. Minutes only: metres stand in `access`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue
from xiqing_space.coverage.by_home import AccessByHome, Distances

DISTRICT = "*"
_HAIR = 1e-9  # children are sums of parts: half of them must not be missed by the last digit


def weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The least value that a share of the weight does not exceed; NaN where that is infinite or nothing has weight.

    Parameters
    ----------
    values : float64 (n,)
        Ascending; inf for those beyond any value.
    weights : float64 (n,)
    share : float
        0 … 1.
    """
    up_to = np.cumsum(weights)
    if not len(up_to) or up_to[-1] <= 0:
        return float("nan")
    value = float(values[np.searchsorted(up_to, share * up_to[-1] * (1.0 - _HAIR), side="left")])
    return value if np.isfinite(value) else float("nan")


def measure_minutes(
    demand: pd.DataFrame, zones: pd.DataFrame, access: AccessByHome, mapped: set[str], catalogue: Catalogue
) -> pd.DataFrame:
    """The `walk_minutes` table (unsorted): the district and every zone × kind × age band that needs it.

    Half of the children walk longer than the median; a short median says nothing of the others. Homes that no street could be
    joined to are unknown and left out of the minutes; those with nothing within the search limit count as farther than all others.

    Parameters
    ----------
    demand : DataFrame
        The homes in the order that `access` was asked for: `zone_id, inside, weight_kind` and the bands' columns.
    zones : DataFrame
        `zone_id`.
    access : AccessByHome
        Distances of `access`.
    mapped : set of str
        Kinds with at least one facility that is open to everyone.
    catalogue : Catalogue
        Bands with their pace and profile; kinds that no band needs are measured for all of them.
    """
    weight = str(demand["weight_kind"].iloc[0]) if len(demand) else "relative"
    rows: list[dict[str, Any]] = []
    groups = _Groups(demand, zones)
    for kind in catalogue.measured_kinds:
        adult = access.of(kind, catalogue.adult.profile)
        for band in catalogue.target_bands(kind) or tuple(catalogue.bands.values()):
            head = {
                "kind": kind,
                "age_band": band.id,
                "profile": band.profile,
                "speed_m_s": band.speed_m_s,
                "weight_kind": weight,
            }
            people = demand[band.column].to_numpy(dtype=float)
            own = access.of(kind, band.profile)
            if kind not in mapped:
                rows += [
                    {"zone_id": zone, **head, **_unmapped(float(people[here].sum()))} for zone, here in groups.all()
                ]
                continue
            rows += [{"zone_id": zone, **head, **_of_group(people, own, adult, here, band, catalogue.adult.speed_m_s)}
                     for zone, here in groups.all()]  # fmt: skip
    return pd.DataFrame(rows)


class _Groups:
    """Rows of the homes of the district and of each zone, inside the area."""

    def __init__(self, demand: pd.DataFrame, zones: pd.DataFrame) -> None:
        inside = np.flatnonzero(demand["inside"].to_numpy(dtype=bool))
        names = sorted(zones["zone_id"])
        code = (
            pd.Index(names).get_indexer(pd.Index(demand["zone_id"].to_numpy(dtype=object)[inside])) if names else inside
        )
        order = np.argsort(code, kind="stable")
        edges = np.searchsorted(code[order], np.arange(len(names) + 1))
        self._every = [(DISTRICT, inside)] + [
            (name, inside[order[edges[row] : edges[row + 1]]]) for row, name in enumerate(names)
        ]

    def all(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Zone and rows."""
        yield from self._every


_NONE = {"share_beyond": np.nan, "median_min": np.nan, "p90_min": np.nan, "adult_median_min": np.nan}


def _unmapped(children: float) -> dict[str, Any]:
    """Where nobody mapped a kind, nobody's walk to it is known."""
    return {"children": children, "n_unknown": children, **_NONE, "reason": "no_facility_mapped"}


def _of_group(
    people: NDArray[np.float64], own: Distances, adult: Distances, here: NDArray[np.int64], band: Band, adult_m_s: float
) -> dict[str, Any]:
    children = float(people[here].sum())
    known = here[~own.unlinked[here]]
    unknown = float(people[here[own.unlinked[here]]].sum())
    if not children > 0:
        return {"children": children, "n_unknown": unknown, **_NONE, "reason": "no_children"}
    if not people[known].sum() > 0:
        return {"children": children, "n_unknown": unknown, **_NONE, "reason": "walks_unknown"}
    metres, weights = _ascending(own.walk_m[known], people[known])
    also = known[~adult.unlinked[known]]
    adult_metres, adult_weights = _ascending(adult.walk_m[also], people[also])
    beyond = float(weights[np.isinf(metres)].sum() / weights.sum())
    to_minutes, to_adult_minutes = 60.0 * band.speed_m_s, 60.0 * adult_m_s
    return {
        "children": children, "n_unknown": unknown, "share_beyond": beyond,
        "median_min": weighted_quantile(metres, weights, 0.5) / to_minutes,
        "p90_min": weighted_quantile(metres, weights, 0.9) / to_minutes,
        "adult_median_min": weighted_quantile(adult_metres, adult_weights, 0.5) / to_adult_minutes, "reason": None,
    }  # fmt: skip


def _ascending(
    walk_m: NDArray[np.float64], people: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances in ascending order with their children; nothing within the search limit comes last."""
    metres = np.where(np.isnan(walk_m), np.inf, walk_m)
    order = np.argsort(metres, kind="stable")
    return metres[order], people[order]
