"""Access once more with one assumption changed: some facilities left out, or the legs to the street not counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.coverage.access import (
    AccessInputs,
    ProfileLinks,
    measure_straight,
    measure_walk,
    open_to_everyone,
    walk_distance,
)

KEY = ["demand_id", "kind", "profile"]


def observed(facilities: pd.DataFrame, merges: pd.DataFrame) -> NDArray[np.bool_]:
    """Facilities whose place was seen: all but those that a list without coordinates was matched to by name or address.

    A row that was matched to a facility of the map or of a list with coordinates stays: that facility is there whether or not
    the match is right. One that was matched to a compound stands at the compound's middle for want of better, and goes.
    """
    matched = (facilities["located_by"] == "matched").to_numpy(dtype=bool)
    backed = facilities["facility_id"].isin(set(merges["kept_row_id"])).to_numpy(dtype=bool)
    seen: NDArray[np.bool_] = ~matched | backed
    return seen


def measure_without(
    inputs: AccessInputs, links: Mapping[str, ProfileLinks], kinds: tuple[str, ...], limit_m: float,
    access: pd.DataFrame, kept: NDArray[np.bool_],
) -> pd.DataFrame:  # fmt: skip
    """Access with some facilities left out (unsorted), where it differs from `access`; empty where nothing does.

    A planner may not read the difference as what would happen were these facilities closed: children would then need places
    elsewhere too.

    Parameters
    ----------
    inputs : AccessInputs
        With all facilities.
    links : mapping of profile to ProfileLinks
    kinds : tuple of str
    limit_m : float
        Search limit, m.
    access : DataFrame
        The `access` table.
    kept : bool (facilities,)
        Rows of `inputs.facilities` that stay.

    Returns
    -------
    DataFrame
        `demand_id, kind, profile, distance_m, straight_m, reason`.
    """
    fewer = inputs.keeping(kept)
    lost = inputs.facilities.loc[~kept & open_to_everyone(inputs.facilities), "kind"]
    parts = []
    for kind in kinds:
        if not (lost == kind).any():
            continue
        straight = measure_straight(fewer, kind)
        for profile, mine in links.items():
            part = measure_walk(fewer, mine, kind, limit_m)
            parts.append(
                pd.DataFrame(
                    {
                        "demand_id": inputs.demand["demand_id"].array, "kind": kind, "profile": profile,
                        "distance_m": part["distance_m"].array, "straight_m": straight, "reason": part["reason"].array,
                    }
                )
            )  # fmt: skip
    return (
        differing(pd.concat(parts, ignore_index=True), access, ("distance_m", "straight_m"))
        if parts
        else pd.DataFrame()
    )


def measure_no_legs(
    inputs: AccessInputs, links: Mapping[str, ProfileLinks], kinds: Mapping[str, tuple[str, ...]], limit_m: float
) -> pd.DataFrame:
    """Walks without the legs between home, street and way in (unsorted); homes that reach nothing have no row.

    A second search, not a subtraction: without legs another gate, or another facility, may be the nearest one.

    Parameters
    ----------
    inputs : AccessInputs
    links : mapping of profile to ProfileLinks
    kinds : mapping of kind to profiles
    limit_m : float
        Search limit, m.

    Returns
    -------
    DataFrame
        `demand_id, kind, profile, distance_m`.
    """
    bare = {profile: one.without_legs() for profile, one in links.items()}
    home = inputs.demand["demand_id"]
    parts = []
    for kind, profiles in kinds.items():
        for profile in profiles:
            distance = walk_distance(inputs, bare[profile], kind, limit_m)
            there = ~np.isnan(distance)
            parts.append(pd.DataFrame({"demand_id": home.array[there], "kind": kind, "profile": profile,
                                       "distance_m": distance[there]}))  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def differing(other: pd.DataFrame, access: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows of another case in which any of the columns is not that of `access`; missing equals missing."""
    both = other.merge(access[[*KEY, *columns]], on=KEY, suffixes=("", "_main"))
    same = np.ones(len(both), dtype=bool)
    for column in columns:
        mine, main = both[column].to_numpy(dtype=float), both[f"{column}_main"].to_numpy(dtype=float)
        same &= (mine == main) | (np.isnan(mine) & np.isnan(main))
    return both.loc[~same, list(other.columns)]
