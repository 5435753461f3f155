"""The table of figures for a public release: rows that may not stand lose their figures, and nothing shown gives them away."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.release import ReleaseRules
from xiqing_space.release.people import DISTRICT, People, columns_of
from xiqing_space.release.suppress import Sum, hide_crossed, is_small

WITHHELD = "withheld"
_COUNTED = ("persons", "relative")
_FIGURES = ["value", "value_low", "value_high", "numerator", "denominator", "n_unknown"]
_KEY = ["indicator_id", "standard_id", "measure", "variant", "zone_id", "age_band"]


# what is lost between two measures, and which: coverage by the wider one is that by the narrower one and what is lost
_STEPS = {"A02-bridge": ("radius", "walk"), "A13-lost": ("walk", "safe_walk")}


def release_indicators(
    table: pd.DataFrame, people: People, catalogue: Catalogue, rules: ReleaseRules, floor: float
) -> pd.DataFrame:
    """Figures on children below the floor are left out, and others until no sum over zones, ages or causes gives them away.

    Rows on disabled children and the like are left out whole. A number of unknown children below the floor is left out
    with the upper end of the range, which would tell it.

    Parameters
    ----------
    table : DataFrame
        `indicators`.
    people : People
        Which numbers of children may be shown.
    catalogue : Catalogue
        The whole one.
    floor : float
        Least number of children.
    """
    private = table["kind"].isin(rules.private_kinds) | (table["label_zh"] + table["label_en"]).str.contains(
        rules.unnamed, regex=True
    )
    frame = table[~private].reset_index(drop=True)
    counted = frame["weight_kind"].isin(_COUNTED).to_numpy(dtype=bool) & (frame["basis"] != "reported").to_numpy(
        dtype=bool
    )
    hidden = counted & np.asarray([
        people.is_hidden(zone, columns_of(catalogue, kind, band))
        for zone, kind, band in zip(frame["zone_id"], frame["kind"], frame["age_band"], strict=True)
    ], dtype=bool)  # fmt: skip
    if not people.relative:
        shares = (
            counted
            & (frame["unit"] == "share").to_numpy(dtype=bool)
            & (frame["basis"] == "children").to_numpy(dtype=bool)
        )
        for _, mine in frame[shares].groupby("kind", sort=True):
            hidden[mine.index] |= _hide_kind(mine, hidden[mine.index], people, floor)
    frame.loc[hidden, _FIGURES] = np.nan
    frame.loc[hidden, "reason"] = WITHHELD
    frame.loc[hidden, "verdict"] = None
    few = counted & ~hidden & is_small(frame["n_unknown"].to_numpy(dtype=float), floor) & (not people.relative)
    frame.loc[few, ["n_unknown", "value_high"]] = np.nan
    return frame


def _hide_kind(rows: pd.DataFrame, hidden: NDArray[np.bool_], people: People, floor: float) -> NDArray[np.bool_]:
    """Rows of a kind's shares that may not stand: few children covered, few not covered, and what protects them."""
    met = rows["numerator"].fillna(0.0).to_numpy(dtype=float)
    all_ = rows["denominator"].fillna(0.0).to_numpy(dtype=float)
    small = hidden | is_small(met, floor) | is_small(all_ - met, floor) | is_small(all_, floor)
    if not small.any():
        return small
    place = {key: number for number, key in enumerate(rows[_KEY].itertuples(index=False, name=None))}
    return hide_crossed(np.column_stack([met, all_ - met, all_]), small, _sums(place, people), floor)


def _sums(place: dict[tuple[Any, ...], int], people: People) -> list[Sum]:
    """Zones to the district, bands to all bands, causes to the bridge. A sum of which a part is missing fixes nothing."""
    by: dict[int, dict[tuple[Any, ...], list[Any]]] = {spot: {} for spot in (3, 4, 5)}
    for key, spot in product(place, by):
        by[spot].setdefault((*key[:spot], *key[spot + 1 :]), []).append(key[spot])
    sums = []
    for spot, groups in by.items():
        for rest, found in groups.items():
            at = {one: place[(*rest[:spot], one, *rest[spot:])] for one in found}
            for total, parts in _totals(spot, at, rest, people):
                if total in at and parts and set(parts) <= set(at):
                    sums.append(Sum(at[total], tuple(at[one] for one in parts)))
    return sums + _between_measures(place)


def _totals(spot: int, at: dict[Any, int], rest: tuple[Any, ...], people: People) -> list[tuple[Any, list[Any]]]:
    if spot == 4:
        return list(people.members.items())
    if spot == 3:  # only the bridge's causes add up
        return [("", [one for one in at if one != ""])] if rest[0] in _STEPS else []
    return [(DISTRICT, [one for one in at if one != DISTRICT])]


def _between_measures(place: dict[tuple[Any, ...], int]) -> list[Sum]:
    """Within the radius = on foot + lost between them, where the bridge tells what is lost; so too for the safe walk."""
    sums = []
    for indicator, standard, measure, variant, zone, band in place:
        if indicator not in _STEPS or variant != "":
            continue
        wide, narrow = _STEPS[indicator]
        keys = [("A02-coverage", standard, one, "", zone, band) for one in (wide, narrow)]
        if all(key in place for key in keys):
            sums.append(Sum(place[keys[0]], (place[keys[1]], place[indicator, standard, measure, variant, zone, band])))
    return sums


def release_minutes(minutes: pd.DataFrame, people: People, catalogue: Catalogue) -> pd.DataFrame:
    """Minutes of bands and zones whose children may be shown."""
    hidden = [
        people.is_hidden(zone, columns_of(catalogue, "", band))
        for zone, band in zip(minutes["zone_id"], minutes["age_band"], strict=True)
    ]
    frame = minutes.copy()
    frame.loc[hidden, ["share_beyond", "median_min", "p90_min", "adult_median_min"]] = np.nan
    frame.loc[hidden, "reason"] = WITHHELD
    return frame
