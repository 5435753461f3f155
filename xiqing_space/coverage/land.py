"""Residential land in cells, reached as homes are: the area-based share beside the children's."""

from __future__ import annotations

import pandas as pd

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, measure_straight, measure_walk, walk_distance


def cells_as_homes(cells: pd.DataFrame) -> pd.DataFrame:
    """`land_cells` with the columns that links and searches look for in `demand`: a cell is a home whose place is known."""
    return cells.rename(columns={"cell_id": "demand_id"}).assign(placed=True, inside=True)


def land_inputs(
    cells: pd.DataFrame, cell_links: pd.DataFrame, facilities: pd.DataFrame, gates: pd.DataFrame, links: pd.DataFrame,
    metric_epsg: int,
) -> AccessInputs:  # fmt: skip
    """What the access of cells is measured from: their own links, and the sites' of `access_links`."""
    sites = links[links["owner_type"] == "site"]
    own = cell_links.rename(columns={"cell_id": "owner_id"}).assign(owner_type="demand")
    columns = ["owner_type", *(name for name in own.columns if name != "owner_type")]
    both = pd.concat([own[columns], pd.DataFrame(sites)[columns]], ignore_index=True)
    return AccessInputs(cells_as_homes(cells), facilities, gates, both, metric_epsg)


def profiles_needed(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Kinds that a standard names, and the profiles of the bands that need them; schools of unknown level with them."""
    wanted = {
        kind: {band.profile for band in catalogue.target_bands(kind) or tuple(catalogue.bands.values())}
        for kind in catalogue.measured_kinds if catalogue.standards_of(kind)
    }  # fmt: skip
    if schools := [kind for kind in wanted if kind in LEVELS]:
        wanted[UNKNOWN_LEVEL] = set().union(*(wanted[kind] for kind in schools))
    return {kind: tuple(sorted(profiles)) for kind, profiles in wanted.items()}


def measure_land(
    inputs: AccessInputs, links: dict[str, ProfileLinks], low: dict[str, ProfileLinks] | None,
    kinds: dict[str, tuple[str, ...]], limit_m: float,
) -> pd.DataFrame:  # fmt: skip
    """The `land_access` table (unsorted): every cell × kind × profile.

    A covered hectare says nothing of how many children live on it.

    Parameters
    ----------
    inputs : AccessInputs
        From `land_inputs`.
    links, low : dict of profile to ProfileLinks
        Of the cells; `low` with unverified barrier crossings closed, or None where the low case is the main one.
    kinds : dict of kind to profiles
        As `profiles_needed` gives them.
    limit_m : float
        Search limit.
    """
    parts = []
    for kind, profiles in kinds.items():
        straight = measure_straight(inputs, kind)
        for profile in profiles:
            part = measure_walk(inputs, links[profile], kind, limit_m)
            distance = part["distance_m"].to_numpy()
            least = distance if low is None else walk_distance(inputs, low[profile], kind, limit_m, worst_gate=True)
            parts.append(
                pd.DataFrame(
                    {
                        "cell_id": inputs.demand["demand_id"].array, "kind": kind, "profile": profile,
                        "distance_m": distance, "low_m": least,
                        "straight_m": straight, "reason": part["reason"].array,
                    }
                )
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
