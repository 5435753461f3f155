"""What figures are made from: tables as written, looked up by home."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.land import cells_as_homes
from xiqing_space.indicators.groups import Groups
from xiqing_space.ingest.reconcile import Stated

_SLIVER_HA = 1e-3

__all__ = ["Stated", "Tables"]


@dataclass(frozen=True)
class Tables:
    """What figures are made from.

    `low`, `inside` and `no_inferred` have the key of `access`, and rows where they differ from it. The others are the tables
    of their names: `no_legs` is access_no_legs, `safe` safe_access, `routes` school_routes. `stated`: totals of the configuration.
    """

    demand: pd.DataFrame
    zones: pd.DataFrame
    facilities: pd.DataFrame
    access: pd.DataFrame
    low: pd.DataFrame
    unlocated: pd.DataFrame
    gate_range: pd.DataFrame
    inside: pd.DataFrame = field(default_factory=pd.DataFrame)
    no_inferred: pd.DataFrame = field(default_factory=pd.DataFrame)
    no_legs: pd.DataFrame = field(default_factory=pd.DataFrame)
    bridge: pd.DataFrame = field(default_factory=pd.DataFrame)
    supply: pd.DataFrame = field(default_factory=pd.DataFrame)
    communities: pd.DataFrame = field(default_factory=pd.DataFrame)
    safe: pd.DataFrame = field(default_factory=pd.DataFrame)
    safe_bridge: pd.DataFrame = field(default_factory=pd.DataFrame)
    routes: pd.DataFrame = field(default_factory=pd.DataFrame)
    crossings: pd.DataFrame = field(default_factory=pd.DataFrame)
    gate_rules: pd.DataFrame = field(default_factory=pd.DataFrame)
    stated: tuple[Stated, ...] = ()

    def of_land(self, cells: pd.DataFrame, access: pd.DataFrame) -> Tables:
        """The same for cells of residential land in place of homes, from `land_cells` and `land_access`."""
        mine = access.rename(columns={"cell_id": "demand_id"})
        low = mine[["demand_id", "kind", "profile"]].assign(distance_m=mine["low_m"])
        return replace(
            self,
            demand=cells_as_homes(cells),
            access=mine,
            low=low,
            gate_range=self.gate_range.iloc[:0],
            safe=pd.DataFrame(),
        )

    def n_unlocated(self, kind: str, *, new: bool = False) -> int:
        """Facilities of a kind that exist for everyone at a place which is to be verified; `new`: surely not counted yet."""
        mine = open_to_everyone(self.unlocated) & (self.unlocated["kind"] == kind).to_numpy(dtype=bool)
        return int((mine & ~(self.unlocated["asked"].to_numpy(dtype=bool) & new)).sum())

    @cached_property
    def is_open(self) -> NDArray[np.bool_]:
        """Facilities that count as existing for everyone."""
        return open_to_everyone(self.facilities)

    @cached_property
    def located_kinds(self) -> frozenset[str]:
        """Kinds of which at least one such facility has a place."""
        return frozenset(self.facilities.loc[self.is_open, "kind"])

    @cached_property
    def weight_kind(self) -> str:
        """Persons, or relative weights."""
        return str(self.demand["weight_kind"].iloc[0]) if len(self.demand) else "relative"

    @cached_property
    def groups(self) -> Groups:
        """Zones of the homes; slivers of land between zones that do not quite meet say nothing of where people live."""
        land = self.demand["area_ha"].to_numpy(dtype=float) > _SLIVER_HA if "area_ha" in self.demand.columns else None
        return Groups(self.demand, self.zones, land)

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """Whether it is known where the people of each row of `demand` live."""
        flags: NDArray[np.bool_] = self.demand["placed"].to_numpy(dtype=bool)
        return flags

    def _by_home(self, frame: pd.DataFrame) -> AccessByHome:
        return AccessByHome(frame if len(frame) else self.access.iloc[:0], self.demand["demand_id"])

    @cached_property
    def distances(self) -> AccessByHome:
        """`access` in the order of the homes."""
        return self._by_home(self.access)

    @cached_property
    def low_distances(self) -> AccessByHome:
        """`low` in the order of the homes."""
        return self._by_home(self.low)

    @cached_property
    def safe_distances(self) -> AccessByHome:
        """`safe` in the order of the homes."""
        return self._by_home(self.safe)

    @cached_property
    def safe_kinds(self) -> frozenset[str]:
        """Kinds whose safe walks were measured."""
        return frozenset(self.safe["kind"].unique()) if len(self.safe) else frozenset()

    @cached_property
    def inside_distances(self) -> AccessByHome:
        """`inside` in the order of the homes."""
        return self._by_home(self.inside)

    @cached_property
    def no_inferred_distances(self) -> AccessByHome:
        """`no_inferred` in the order of the homes."""
        return self._by_home(self.no_inferred)

    @cached_property
    def no_leg_distances(self) -> AccessByHome:
        """`no_legs` in the order of the homes."""
        return self._by_home(self.no_legs)

    @cached_property
    def one_gate(self) -> AccessByHome:
        """`gate_range` in the order of the homes: walks over the least favourable gate alone; straight: over the best one."""
        return self._by_home(self.gate_range.rename(columns={"worst_m": "distance_m", "best_m": "straight_m"}))

    @cached_property
    def gates_unknown(self) -> NDArray[np.bool_]:
        """Homes in compounds whose gates nobody knows."""
        known = self.gate_range["demand_id"] if len(self.gate_range) else pd.Series([], dtype="str")
        flags: NDArray[np.bool_] = self.demand["demand_id"].isin(set(known)).to_numpy(dtype=bool)
        return flags
