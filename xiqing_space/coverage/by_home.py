"""The `access` table looked up by home: one array per kind and profile, in the order of the homes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.network.graph import rows_of

NOT_LINKED = ("home_not_placed", "home_not_linked", "facility_not_linked")


@dataclass(frozen=True)
class Distances:
    """What the homes have to one kind on one profile.

    Attributes
    ----------
    walk_m, straight_m : float64 (homes,)
        NaN where there is none.
    unlinked : bool (homes,)
        Home or facility could not be joined to the network: the walk is unknown, not long.
    listed : bool (homes,)
        Whether the table has a row of the home: tables of other cases only list what differs from `access`.
    """

    walk_m: NDArray[np.float64]
    straight_m: NDArray[np.float64]
    unlinked: NDArray[np.bool_]
    listed: NDArray[np.bool_]

    def over(self, main: Distances) -> Distances:
        """Distances of this case where it has a row, of the main case elsewhere."""
        return Distances(
            np.where(self.listed, self.walk_m, main.walk_m), np.where(self.listed, self.straight_m, main.straight_m),
            np.where(self.listed, self.unlinked, main.unlinked), np.ones(len(self.listed), dtype=bool),
        )  # fmt: skip


class AccessByHome:
    """Rows of `access` (or `access_low`, which has walks only) sorted once, so that each look costs one slice.

    Parameters
    ----------
    access : DataFrame
        `demand_id, kind, profile, distance_m` and, where present, `straight_m, reason`.
    demand_id : Series
        The homes asked for, in the order wanted; other homes' rows are left out.
    """

    def __init__(self, access: pd.DataFrame, demand_id: pd.Series) -> None:
        count = len(access)
        self._homes = len(demand_id)
        home = rows_of(access["demand_id"], demand_id)
        kind, kinds = pd.factorize(access["kind"])
        profile, profiles = pd.factorize(access["profile"])
        group = kind * max(len(profiles), 1) + profile
        self._order = np.argsort(group, kind="stable")
        self._home = home[self._order]
        edges = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(kinds) * len(profiles)))])
        self._at = {
            (one, other): (int(edges[row * len(profiles) + column]), int(edges[row * len(profiles) + column + 1]))
            for row, one in enumerate(kinds)
            for column, other in enumerate(profiles)
        }
        nothing = np.full(count, np.nan)
        self._walk = access["distance_m"].to_numpy(dtype=float)[self._order]
        straight = access["straight_m"].to_numpy(dtype=float) if "straight_m" in access.columns else nothing
        self._straight = straight[self._order]
        lost = access["reason"].isin(NOT_LINKED).to_numpy(dtype=bool) if "reason" in access.columns else nothing > 0
        self._unlinked = lost[self._order]

    def has_any(self, kind: str) -> bool:
        """Whether any home has a walk to the kind, on any profile."""
        return any(
            one == kind and not np.isnan(self._walk[begin:end]).all() for (one, _), (begin, end) in self._at.items()
        )

    def of(self, kind: str, profile: str) -> Distances:
        """One kind on one profile; homes without a row have NaN."""
        walk, straight = np.full(self._homes, np.nan), np.full(self._homes, np.nan)
        unlinked, listed = np.zeros(self._homes, dtype=bool), np.zeros(self._homes, dtype=bool)
        begin, end = self._at.get((kind, profile), (0, 0))
        home = self._home[begin:end]
        mine = home >= 0
        walk[home[mine]] = self._walk[begin:end][mine]
        straight[home[mine]] = self._straight[begin:end][mine]
        unlinked[home[mine]] = self._unlinked[begin:end][mine]
        listed[home[mine]] = True
        return Distances(walk, straight, unlinked, listed)
