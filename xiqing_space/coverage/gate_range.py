"""How far walks can lie apart where nobody knows the gates of a compound."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xiqing_space.coverage.access import AccessInputs, ProfileLinks
from xiqing_space.ingest.gate_files import one_gate_range
from xiqing_space.network.reach import nearest_along
from xiqing_space.texts import among


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
    parts = [_of_profile(inputs, mine, kinds, limit_m).assign(profile=profile)
             for profile, mine in links.items() if mine.guessed.any()]  # fmt: skip
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _of_profile(inputs: AccessInputs, links: ProfileLinks, kinds: tuple[str, ...], limit_m: float) -> pd.DataFrame:
    guessed = np.flatnonzero(links.guessed)
    owners = links.homes.take(guessed)
    walks = {}
    for kind in kinds:
        chosen = np.flatnonzero(among(links.site_id, inputs.open_of_kind(kind)["site_id"]))
        if len(chosen):
            walks[kind] = nearest_along(links.graph, links.sites.take(chosen), owners, limit_m)[0]
    if not walks:
        return pd.DataFrame()
    # all kinds at once, and homes as numbers: to sort texts for each kind took most of the time
    count, along = len(inputs.demand), np.concatenate(list(walks.values()))
    alone = pd.DataFrame(
        {
            "owner_id": np.add.outer(np.arange(len(walks)) * count, links.home_row[guessed]).ravel(),
            "gate_id": np.tile(pd.factorize(links.home_gate[guessed], sort=True)[0], len(walks)),
            "distance_m": np.where(np.isinf(along), np.nan, along),
        }
    )
    found = one_gate_range(alone)
    kind_row, home_row = np.divmod(found["owner_id"].to_numpy(), count)
    return pd.DataFrame(
        {
            "demand_id": inputs.demand["demand_id"].array.take(home_row), "kind": np.asarray(list(walks), dtype=object)[kind_row],
            "gates": found["gates"], "best_m": found["best_m"], "worst_m": found["worst_m"],
        }
    )  # fmt: skip
