"""Sums over the district, its urban and rural zones, and every zone, all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DISTRICT = "*"
SETTLEMENTS = {"urban": "*urban", "rural": "*rural"}


class Groups:
    """The district, its urban and its rural zones (where zones differ in that), and each zone.

    Attributes
    ----------
    ids : list of str
        `*`, `*urban`, `*rural`, then the zones in the order of the table.
    settlements : list of set
        Of each group; of the district: wherever anybody lives, None where that is unknown.
    plain : list of int
        The district and the zones, without urban and rural.
    first_zone : int
        Where the zones begin.

    Parameters
    ----------
    demand : DataFrame
        `zone_id, inside`: homes, or cells of land.
    zones : DataFrame
        `zone_id, settlement`.
    counts : bool (homes,), optional
        Rows that tell where anybody lives; all by default.
    """

    def __init__(self, demand: pd.DataFrame, zones: pd.DataFrame, counts: NDArray[np.bool_] | None = None) -> None:
        self.inside = demand["inside"].to_numpy(dtype=bool)
        zone_ids = zones["zone_id"].tolist()
        self._zones = len(zone_ids)
        self._code = pd.Index(zone_ids).get_indexer(pd.Index(demand["zone_id"]))
        self._in_zone = self.inside & (self._code >= 0)
        of_zone = [value if isinstance(value, str) else None for value in zones["settlement"]]
        lived = self.inside if counts is None else self.inside & counts
        lived_in = set(np.unique(self._code[lived]).tolist())
        of_homes = {None if code < 0 else of_zone[code] for code in lived_in}
        told = set(of_zone) if len(set(of_zone)) > 1 else set()  # zones of one settlement are the district
        apart = {key: name for name, key in SETTLEMENTS.items() if name in told}
        self._masks = [np.array([one == name for one in of_zone], dtype=bool) for name in apart.values()]
        self.ids: list[str] = [DISTRICT, *apart, *zone_ids]
        self.settlements: list[set[str | None]] = [of_homes, *({one} for one in [*apart.values(), *of_zone])]
        self.first_zone = 1 + len(apart)
        self.plain = [0, *range(self.first_zone, len(self.ids))]

    @property
    def zones(self) -> slice:
        """The zones among the groups."""
        return slice(self.first_zone, None)

    def zones_of(self, group: int) -> NDArray[np.bool_]:
        """Which zones (rows of the table) a group is made of; the district also holds what lies in none of them."""
        if group == 0:
            return np.ones(self._zones, dtype=bool)
        if group < self.first_zone:
            return self._masks[group - 1]
        alone: NDArray[np.bool_] = np.arange(self._zones) == group - self.first_zone
        return alone

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value of each home over every group; homes of the buffer do not count."""
        return self.sums_by_zone(values[self._in_zone], self._code[self._in_zone], float(values[self.inside].sum()))

    def sums_by_zone(
        self, values: NDArray[np.float64], zone: NDArray[np.integer], whole: float | None = None
    ) -> NDArray[np.float64]:
        """The same for things whose zone is known as its row (-1: in none); `whole`: the district's, by default all of them."""
        there = zone >= 0
        each = np.bincount(zone[there], weights=values[there], minlength=self._zones).astype(np.float64)
        district = float(values.sum()) if whole is None else whole
        return np.concatenate([[district], [each[mask].sum() for mask in self._masks], each])
