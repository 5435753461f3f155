"""Supply: places per child within reach, shared out among all children who reach them (floating catchments)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog.capacity import CapacityRules
from xiqing_space.coverage.facility_reach import KindReach
from xiqing_space.coverage.home_rows import Part, rows_by_home

OPERATORS: dict[str, tuple[str, ...] | None] = {
    "all": None, "public": ("public",), "public_inclusive": ("public", "inclusive_private"),
}  # fmt: skip
_REASONS = (
    "no_facility_mapped", "relative_weights", "no_places_known", "facility_not_linked", "no_children", "home_not_linked",
    "home_not_placed",
)  # fmt: skip
Weight = Callable[[NDArray[np.float64]], NDArray[np.float64]]


# ---- places


def known_places(facilities: pd.DataFrame, rules: CapacityRules) -> pd.DataFrame:
    """Places of each facility as stated, else by the catalogue's rule; never zero for unknown.

    A school of several levels states one figure for all of them: it is shared by years of schooling, which is an inference.
    Where nothing says how a figure is shared, as between a kindergarten and its 托班, both stay unknown. Enrolment is no capacity.

    Parameters
    ----------
    facilities : DataFrame
        `site_id, kind, capacity_places, capacity_from, classes, source, source_row`; any order.
    rules : CapacityRules

    Returns
    -------
    DataFrame
        In the order given: `places` (NaN unknown), `inferred`, `shared` (a part of one figure for several levels).
    """
    kinds = pd.DataFrame(
        [(rule.kind, rule.class_size, rule.years) for rule in rules.place], columns=["kind", "class_size", "years"]
    ).set_index("kind")
    rule = kinds.reindex(facilities["kind"])
    has_rule = facilities["kind"].isin(kinds.index).to_numpy(dtype=bool)
    stated = facilities["capacity_places"].to_numpy(dtype=float, na_value=np.nan)
    classes = facilities["classes"].to_numpy(dtype=float, na_value=np.nan)
    # nought places or classes of a facility that operates is a cell left open
    stated, classes = np.where(stated > 0, stated, np.nan), np.where(classes > 0, classes, np.nan)
    years = rule["years"].to_numpy(dtype=float)
    part = _share(facilities, stated, years, has_rule)
    places = stated * part
    guessed = classes * _share(facilities, classes, years, has_rule) * rule["class_size"].to_numpy(dtype=float)
    taken = np.isnan(stated) & ~np.isnan(guessed)
    by_rule = (facilities["capacity_from"] == "default").to_numpy(dtype=bool)
    inferred = taken | (~np.isnan(places) & (by_rule | (part < 1.0)))
    shared = has_rule & (part < 1.0) & ~np.isnan(places)
    return pd.DataFrame(
        {"places": np.where(taken, guessed, places), "inferred": inferred, "shared": shared}, index=facilities.index
    )


def _share(
    facilities: pd.DataFrame, figure: NDArray[np.float64], years: NDArray[np.float64], counts: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Each row's part of a figure that several levels of one site state together; 1 where it is its own, NaN where unknown."""
    part = np.ones(len(facilities))
    known = counts & ~np.isnan(figure)
    rows = pd.DataFrame(facilities[known])
    keys = [rows["site_id"], rows["source"], rows["source_row"], pd.Series(figure[known], index=rows.index)]
    group = pd.DataFrame(
        {"years": years[known], "unknown": np.isnan(years[known]), "one": 1}, index=rows.index
    ).groupby(keys)
    total = group.transform("sum")
    alone = (total["one"] == 1).to_numpy()
    split = np.where(total["unknown"].to_numpy() > 0, np.nan, years[known] / total["years"].to_numpy())
    part[known] = np.where(alone, 1.0, split)
    return part


# ---- weights


def within(limit_m: float) -> Weight:
    """2SFCA: everybody within the limit alike (Luo & Wang 2003)."""
    return lambda distance_m: (distance_m <= limit_m).astype(float)


def in_bands(limit_m: float, weights: tuple[float, ...]) -> Weight:
    """E2SFCA: equal bands of the limit, each with its weight, upper edges included (Luo & Qi 2009)."""
    edges = np.asarray([*(limit_m * band / len(weights) for band in range(1, len(weights))), limit_m])
    every = np.asarray([*weights, 0.0])
    return lambda distance_m: every[np.searchsorted(edges, distance_m, side="left")]


def gaussian(limit_m: float) -> Weight:
    """Falls off to nothing at the limit: (exp(-(d/limit)²/2) - exp(-1/2)) / (1 - exp(-1/2)) (Dai 2010)."""
    foot = np.exp(-0.5)

    def weight(distance_m: NDArray[np.float64]) -> NDArray[np.float64]:
        fallen: NDArray[np.float64] = (np.exp(-0.5 * (distance_m / limit_m) ** 2) - foot) / (1.0 - foot)
        return np.where(distance_m <= limit_m, np.maximum(fallen, 0.0), 0.0)

    return weight


def methods(limit_m: float, rules: CapacityRules) -> dict[str, Weight]:
    """The weights of each method of the `supply` table."""
    return {"2sfca": within(limit_m), "e2sfca": in_bands(limit_m, rules.weights.e2sfca), "gaussian": gaussian(limit_m)}


# ---- floating catchments


@dataclass(frozen=True)
class Shares:
    """Places per child of each facility, NaN where it has none or no child reaches it; and summed up at each home."""

    ratio: NDArray[np.float64]
    at_home: NDArray[np.float64]
    inferred_at_home: NDArray[np.float64]


def share_places(
    facility: NDArray[np.int64], home: NDArray[np.int64], weight: NDArray[np.float64], people: NDArray[np.float64],
    places: NDArray[np.float64], inferred: NDArray[np.bool_],
) -> Shares:  # fmt: skip
    """The two steps: each facility's places over the weighted children who reach it, then summed over what a home reaches.

    Σ people × at_home = Σ places of the facilities that a child reaches with a positive weight.

    Parameters
    ----------
    facility, home : int64 (pairs,)
    weight : float64 (pairs,)
        By distance, 0 … 1.
    people : float64 (homes,)
        Children of the band, the buffer's too: they use the places as well.
    places : float64 (facilities,)
        NaN leaves the facility out.
    inferred : bool (facilities,)
    """
    demand = np.bincount(facility, weights=people[home] * weight, minlength=len(places))
    ratio = np.where(demand > 0, places / np.where(demand > 0, demand, 1.0), np.nan)
    given = np.nan_to_num(ratio, nan=0.0)[facility] * weight
    at_home = np.bincount(home, weights=given, minlength=len(people)).astype(np.float64)
    by_rule = np.where(inferred[facility], given, 0.0)
    guessed = np.bincount(home, weights=by_rule, minlength=len(people)).astype(np.float64)
    return Shares(ratio, at_home, guessed)


def measure_supply(
    reach: KindReach, demand: pd.DataFrame, column: str, places: pd.DataFrame, limit_m: float, rules: CapacityRules
) -> pd.DataFrame:
    """Rows of the `supply` table of one kind: every home × method × operators.

    A planner may not conclude that a child has a place: figures are averages over all children who walk, one may be enrolled
    elsewhere or not be let in, and where places are unknown near by the figure is a least one.

    Parameters
    ----------
    reach : KindReach
        Of the kind on its band's profile, to at least `limit_m`.
    demand : DataFrame
        The homes, buffer included: `demand_id, placed, weight_kind` and the band's column.
    column : str
        Column of the band that needs the kind.
    places : DataFrame
        `places, inferred` of `reach.facilities`, from `known_places`.
    limit_m : float
    rules : CapacityRules

    Returns
    -------
    DataFrame
        `demand_id, kind, method, operators, places_per_child, share_inferred, reason`.
    """
    return rows_by_home(demand["demand_id"], supply_parts(reach, demand, column, places, limit_m, rules))


def supply_parts(
    reach: KindReach, demand: pd.DataFrame, column: str, places: pd.DataFrame, limit_m: float, rules: CapacityRules
) -> list[Part]:
    """What `measure_supply` puts together."""
    parts = []
    for name, run_by in OPERATORS.items():
        operator = reach.facilities["operator"]
        counts = np.ones(len(operator), dtype=bool) if run_by is None else operator.isin(run_by).to_numpy(dtype=bool)
        known = np.where(counts, places["places"].to_numpy(dtype=float), np.nan)
        why = _why_nobody_knows(reach, demand, counts, known)
        for method, weigh in methods(limit_m, rules).items():
            if why is not None:
                value = guessed = np.full(len(demand), np.nan)
                reason = np.full(len(demand), _REASONS.index(why))
            else:
                value, guessed, reason = _at_homes(
                    reach, demand, column, counts, known, places["inferred"].to_numpy(dtype=bool), weigh
                )
            parts.append(
                Part(
                    {"kind": reach.kind, "method": method, "operators": name},
                    {"places_per_child": value, "share_inferred": guessed},
                    {"reason": (_REASONS, reason)},
                )
            )
    return parts


def _why_nobody_knows(
    reach: KindReach, demand: pd.DataFrame, counts: NDArray[np.bool_], known: NDArray[np.float64]
) -> str | None:
    """Why there is no supply at any home; None where there is."""
    if not counts.any():
        return "no_facility_mapped"
    if len(demand) and str(demand["weight_kind"].iloc[0]) != "persons":
        return "relative_weights"
    if np.isnan(known).all():
        return "no_places_known"
    return None if (reach.facility_linked & ~np.isnan(known)).any() else "facility_not_linked"


def _at_homes(
    reach: KindReach, demand: pd.DataFrame, column: str, counts: NDArray[np.bool_], known: NDArray[np.float64],
    inferred: NDArray[np.bool_], weigh: Weight,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:  # fmt: skip
    pairs, homes = reach.pairs, len(demand)
    weight = weigh(pairs.distance_m)
    mine = np.flatnonzero(counts[pairs.site] & (weight > 0))
    facility, home, weight = pairs.site[mine], pairs.home[mine], weight[mine]
    people = demand[column].to_numpy(dtype=float)
    shares = share_places(facility, home, weight, people, known, inferred)
    value, lacks = shares.at_home.copy(), np.isnan(known)[facility]
    reason = np.full(homes, -1)
    none = value == 0
    # within reach of nothing is nought; within reach of places that nobody knows, or that no child shares, is not
    reason[none & (np.bincount(home[~lacks], minlength=homes) > 0)] = _REASONS.index("no_children")
    reason[none & (np.bincount(home[lacks], minlength=homes) > 0)] = _REASONS.index("no_places_known")
    reason[~reach.home_linked] = _REASONS.index("home_not_linked")
    reason[~demand["placed"].to_numpy(dtype=bool)] = _REASONS.index("home_not_placed")
    value[reason >= 0] = np.nan
    positive = value > 0
    guessed = np.where(positive, shares.inferred_at_home / np.where(positive, value, 1.0), np.nan)
    return value, guessed, reason
