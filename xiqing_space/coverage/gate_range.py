"""How far walks can lie apart where nobody knows the gates of a compound."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xiqing_space.coverage.access import AccessInputs, ProfileLinks
from xiqing_space.ingest.gate_files import one_gate_range
from xiqing_space.network.reach import nearest_along


def measure_gate_range(
    inputs: AccessInputs, links: dict[str, ProfileLinks], kinds: tuple[str, ...], limit_m: float
) -> pd.DataFrame:
    """The `gate_range` table (unsorted): homes in compounds of unknown gates × kind × profile; empty where there are none.

    Each place where a street meets the wall may be the only gate, or all of them may be gates. The worst cases of homes need
    not happen together: one gate cannot be the least favourable one for every home of its compound. Shares made of them are
    a bound, no scenario. Gates of sites stay as they are, and so do barrier crossings.

    Parameters
    ----------
    inputs : AccessInputs
    links : dict of profile to ProfileLinks
        On the unchanged network. Meetings that no street could be joined to are no candidates.
    kinds : tuple of str
        A kind without linked facilities has no rows.
    limit_m : float
        Search limit.
    """
    parts = [_of_kind(inputs, mine, kind, limit_m).assign(kind=kind, profile=profile)
             for profile, mine in links.items() if mine.guessed.any() for kind in kinds]  # fmt: skip
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _of_kind(inputs: AccessInputs, links: ProfileLinks, kind: str, limit_m: float) -> pd.DataFrame:
    columns = ["demand_id", "gates", "best_m", "worst_m"]
    chosen = np.flatnonzero(pd.Index(links.site_id).isin(pd.Index(inputs.open_of_kind(kind)["site_id"])))
    if not len(chosen):
        return pd.DataFrame(columns=columns)
    guessed = np.flatnonzero(links.guessed)
    along, _ = nearest_along(links.graph, links.sites.take(chosen), links.homes.take(guessed), limit_m)
    alone = pd.DataFrame(
        {
            "owner_id": inputs.demand["demand_id"].to_numpy(dtype=object)[links.home_row[guessed]],
            "gate_id": links.home_gate[guessed],
            "distance_m": np.where(np.isinf(along), np.nan, along),
        }
    )
    return one_gate_range(alone).rename(columns={"owner_id": "demand_id"})[columns]
