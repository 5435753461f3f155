"""The bridge between radius and walk: who is covered by the straight line and lost on foot, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.coverage.access import AccessInputs, ProfileLinks, measure_straight, open_to_everyone
from xiqing_space.crs import GEOGRAPHIC, project_geometry
from xiqing_space.network.graph import WalkGraph, rows_of
from xiqing_space.network.lifted import (
    CLASSES,
    WALL,
    BarrierClasses,
    Joinable,
    LegOptions,
    LiftedGraph,
    bits_of,
    join_options,
    lift_barriers,
)
from xiqing_space.network.links import starting_points
from xiqing_space.network.reach import Seeds, nearest_along

COLUMNS = ("demand_id", "kind", "profile", "limit_m", "straight_m", "distance_m", "lifted_m", "cause")
Limit = tuple[str, str, float]  # kind, profile, metres
Case = tuple[WalkGraph, LegOptions]


def bridge_limits(catalogue: Catalogue) -> tuple[Limit, ...]:
    """Kinds whose default standard is in metres, with the profiles of the age bands that need them."""
    found = []
    for kind in catalogue.measured_kinds:
        for standard in catalogue.standards_of(kind)[:1]:
            profiles = {band.profile for band in catalogue.target_bands(kind)} if standard.unit == "m" else set()
            found += [(kind, profile, standard.value) for profile in sorted(profiles)]
    return tuple(found)


@dataclass(frozen=True)
class StreetLines:
    """The walk graph's edges as lines (metric), which lie on the ground, and which are closed to which profile."""

    lines: NDArray[np.object_]
    ground: NDArray[np.bool_]
    closed: dict[str, NDArray[np.bool_]]


def street_lines(
    streets: pd.DataFrame, edge_id: NDArray[np.object_], metric_epsg: int, profiles: Iterable[str]
) -> StreetLines:
    """Lines of the edges of the walk graph from the `streets` table."""
    mine = streets.iloc[rows_of(edge_id, streets["edge_id"])]
    ground = ~(mine["bridge"].to_numpy(dtype=bool) | mine["tunnel"].to_numpy(dtype=bool))
    closed = {profile: ~mine[profile].to_numpy(dtype=bool) for profile in profiles}
    return StreetLines(
        project_geometry(mine["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg), ground, closed
    )


def measure_bridge(
    inputs: AccessInputs, access: pd.DataFrame, limits: tuple[Limit, ...], graph: WalkGraph, streets: StreetLines,
    barriers: BarrierClasses, island_min_m: float,
) -> pd.DataFrame:  # fmt: skip
    """The `bridge` table (unsorted): homes within a limit in a straight line and beyond it on foot, and why.

    One class of barrier after the other is lifted: streets are joined across it by straight connectors, and homes and sites may
    join streets behind it. Where walls are lifted, gates count no more. The class that alone brings the home within the limit
    is the cause; of several such classes the one with the shortest walk (equal ones: in the order water, rail, motorway, wall).

    That a class is the cause does not say that a bridge or gate could be built, nor that nothing else is roundabout.

    Parameters
    ----------
    inputs : AccessInputs
    access : DataFrame
        The `access` table.
    limits : tuple of (kind, profile, metres)
    graph : WalkGraph
        Of the profile walk.
    streets : StreetLines
        Its edges, in their order.
    barriers : BarrierClasses
    island_min_m : float
        Edges of parts of the network shorter than this take no links.
    """
    lost = _lost(inputs, access, limits)
    if lost.empty:
        return pd.DataFrame()
    whole = lift_barriers(graph, streets.lines, streets.ground, barriers)
    parts = []
    for profile, mine in lost.groupby("profile", sort=True):
        closed = streets.closed[str(profile)]
        lifted = whole.closing(closed) if closed.any() else whole
        search = _Search(inputs, str(profile), lifted, mine, streets, barriers, island_min_m)
        parts += _causes(search, inputs, mine)
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _lost(inputs: AccessInputs, access: pd.DataFrame, limits: tuple[Limit, ...]) -> pd.DataFrame:
    """Rows of the table before their causes are known, with `home`: row of `demand`."""
    wanted = pd.DataFrame(list(limits), columns=["kind", "profile", "limit_m"])
    rows = access[access["kind"].isin(set(wanted["kind"]))].merge(wanted, on=["kind", "profile"])
    limit = rows["limit_m"].to_numpy(dtype=float)
    straight, walk = (rows[name].to_numpy(dtype=float) for name in ("straight_m", "distance_m"))
    rows = rows[(np.round(straight, 2) <= limit) & ~(np.round(walk, 2) <= limit)]
    home = rows_of(rows["demand_id"], inputs.demand["demand_id"])
    return rows.assign(home=home)


class _Search:
    """Searches of one profile with barriers lifted, from the facilities of a kind to the homes that lost it."""

    def __init__(
        self, inputs: AccessInputs, profile: str, lifted: LiftedGraph, lost: pd.DataFrame, streets: StreetLines,
        barriers: BarrierClasses, island_min_m: float,
    ) -> None:  # fmt: skip
        self.lifted = lifted
        self.links: ProfileLinks = inputs.of_profile(lifted.base, profile)
        homes = np.intersect1d(lost["home"].to_numpy(), self.links.home_row)
        facilities = inputs.facilities[
            open_to_everyone(inputs.facilities) & inputs.facilities["kind"].isin(set(lost["kind"])).to_numpy()
        ]
        sites = facilities[facilities["site_id"].isin(set(self.links.site_id))]
        starts = _starts(inputs, profile, inputs.demand.iloc[homes], sites)
        base = lifted.base
        length = np.where(np.isfinite(base.length_m), base.length_m, 0.0)
        part = base.component[base.u]
        usable = (np.bincount(part, weights=length) if len(part) else part)[part] >= island_min_m
        usable &= streets.ground & np.isfinite(base.length_m)
        joinable = Joinable(streets.lines, base.length_m, usable)
        options = joinable.options(
            starts["point"].to_numpy(dtype=object), starts["reach_m"].to_numpy(dtype=float), barriers
        )
        over_walls = ~starts["walls_count"].to_numpy(dtype=bool)[options.place]
        self._options = replace(options, bits=np.where(over_walls, options.bits & ~WALL, options.bits))
        self._inner = starts["inner_m"].to_numpy(dtype=float)
        self._open_only = starts["open_only"].to_numpy(dtype=bool)
        owner = starts["owner_id"].to_numpy(dtype=object)
        of_home = (starts["owner_type"] == "demand").to_numpy()
        row = np.full(len(starts), -1, dtype=np.int64)
        row[of_home] = pd.Index(inputs.demand["demand_id"]).get_indexer(pd.Index(owner[of_home]))
        self._home, self._site = row, np.where(of_home, None, owner)
        self.classes = [name for name in CLASSES if len(barriers.of[name].a)]  # those that are there to be lifted

    def case(self, lifted: int) -> Case:
        """The graph and the new legs with these classes (bits) lifted.

        With several lifted the legs of each alone count too, so that no walk is longer than with one of them.
        """
        alone = [bits for bits in map(bits_of, zip(CLASSES, strict=True)) if bits & lifted and bits != lifted]
        return self.lifted.lift(lifted), join_options([self._legs(bits) for bits in (lifted, *alone)])

    def _legs(self, lifted: int) -> LegOptions:
        mine = self._options
        if not lifted & WALL:
            mine = mine.take(np.flatnonzero(~self._open_only[mine.place]))
        return mine.first_free(lifted)

    def walk(
        self, case: Case, site_ids: NDArray[np.object_], homes: NDArray[np.int64], limit_m: float
    ) -> NDArray[np.float64]:
        """Walks from homes (rows of `demand`) to the nearest of some sites; inf beyond the limit."""
        graph, legs = case
        old_site = np.flatnonzero(np.isin(self.links.site_id, site_ids))
        old_home = np.flatnonzero(np.isin(self.links.home_row, homes))
        home = self._home[legs.place]
        new_home = np.flatnonzero((home >= 0) & np.isin(home, homes))
        new_site = np.flatnonzero(np.isin(self._site[legs.place], site_ids))
        sites = self._joined(self.links.sites.take(old_site), legs, new_site)
        owners = self._joined(self.links.homes.take(old_home), legs, new_home)
        row = np.concatenate([self.links.home_row[old_home], home[new_home]])
        along, _ = nearest_along(graph, self.lifted.place(sites), self.lifted.place(owners), limit_m)
        best = np.full(int(row.max(initial=-1)) + 1, np.inf)
        np.minimum.at(best, row, along)
        return best[homes]

    def _joined(self, old: Seeds, legs: LegOptions, rows: NDArray[np.int64]) -> Seeds:
        """Links as they are and new ones."""
        new = legs.take(rows)
        return Seeds(np.concatenate([old.edge, new.edge]), np.concatenate([old.offset_m, new.offset_m]),
                     np.concatenate([old.leg_m, new.leg_m + self._inner[new.place]]))  # fmt: skip


def _starts(inputs: AccessInputs, profile: str, homes: pd.DataFrame, sites: pd.DataFrame) -> pd.DataFrame:
    """Places from which homes and sites may be joined anew.

    Returns
    -------
    DataFrame
        `owner_type, owner_id`, `point` (metric), `inner_m`, `reach_m` (to the street joined now), `walls_count` (a leg over a
        wall crosses it), `open_only` (the owner's own point, for it lies behind a compound's gates: only where walls are lifted).
    """
    starts = starting_points(homes, sites, inputs.gates, inputs.metric_epsg)
    key = ["owner_type", "owner_id", "gate_id"]
    links = inputs.links[(inputs.links["profile"] == profile).to_numpy()]
    now = starts[key].merge(links[[*key, "linked", "leg_m", "reason"]], on=key, how="left")
    linked = now["linked"].fillna(False).to_numpy(dtype=bool)
    starts["reach_m"] = np.where(linked, now["leg_m"].to_numpy(dtype=float) - starts["inner_m"].to_numpy(), np.inf)
    # who is linked across a wall is not stopped by walls
    flagged = (now["reason"] == "leg_crosses_wall").to_numpy(dtype=bool)
    starts["walls_count"] = (starts["resolved_by"] == "point").to_numpy() & ~flagged
    walled = starts["resolved_by"] != "point"
    home_ids = set(starts.loc[walled & (starts["owner_type"] == "demand"), "owner_id"])
    behind = set(inputs.gates.loc[inputs.gates["through"].notna(), "owner_id"])
    own = [
        _own_points("demand", homes[homes["demand_id"].isin(home_ids)], "demand_id", inputs.metric_epsg),
        _own_points(
            "site", sites[sites["site_id"].isin(behind)].drop_duplicates("site_id"), "site_id", inputs.metric_epsg
        ),
    ]
    return pd.concat([starts.assign(open_only=False), *own], ignore_index=True)


def _own_points(owner_type: str, rows: pd.DataFrame, name: str, metric_epsg: int) -> pd.DataFrame:
    points = project_geometry(rows["geometry"].to_numpy(dtype=object), GEOGRAPHIC, metric_epsg)
    return pd.DataFrame({"owner_type": owner_type, "owner_id": rows[name].array, "point": points, "inner_m": 0.0,
                         "reach_m": np.inf, "walls_count": True, "open_only": True})  # fmt: skip


class _Group:
    """The lost homes of one kind, and what is found out about them."""

    def __init__(self, search: _Search, inputs: AccessInputs, lost: pd.DataFrame) -> None:
        kind = str(lost["kind"].iloc[0])
        self._lost, self.limit_m = lost, float(lost["limit_m"].iloc[0])
        mine = open_to_everyone(inputs.facilities) & (inputs.facilities["kind"] == kind).to_numpy()
        linked = mine & inputs.facilities["site_id"].isin(set(search.links.site_id)).to_numpy()
        self.site_ids = np.unique(inputs.facilities.loc[linked, "site_id"].to_numpy(dtype=object))
        self._home = lost["home"].to_numpy(dtype=np.int64)
        self._cause = np.full(len(lost), "pattern", dtype=object)
        self._lifted = np.full(len(lost), np.nan)
        if linked.sum() < mine.sum():  # those near enough cannot be walked to, and those that can are not near enough
            near = measure_straight(inputs.keeping(linked), kind)[self._home] <= self.limit_m
            self._cause[~near] = "facility_not_linked"
        self._cause[~np.isin(self._home, search.links.home_row)] = "home_not_linked"
        self._todo = np.flatnonzero(self._cause == "pattern")

    @property
    def homes(self) -> NDArray[np.int64]:
        """Homes (rows of `demand`) whose cause is to be found."""
        homes: NDArray[np.int64] = self._home[self._todo]
        return homes

    def all_lifted(self, walk_m: NDArray[np.float64]) -> None:
        """Take walks with everything lifted; who is not within the limit then has no barrier as its cause."""
        self._todo = self._todo[walk_m <= self.limit_m]
        self._lifted[self._todo] = walk_m[walk_m <= self.limit_m]
        self._cause[self._todo] = "several"

    def one_lifted(self, name: str, walk_m: NDArray[np.float64]) -> None:
        """Take walks with one class lifted; the first of the shortest counts."""
        several = self._cause[self._todo] == "several"
        better = (walk_m <= self.limit_m) & (several | (walk_m < self._lifted[self._todo]))
        self._lifted[self._todo[better]] = walk_m[better]
        self._cause[self._todo[better]] = name

    def rows(self) -> pd.DataFrame:
        """The rows with `lifted_m` and `cause`."""
        return self._lost.assign(cause=self._cause, lifted_m=self._lifted)


def _causes(search: _Search, inputs: AccessInputs, lost: pd.DataFrame) -> list[pd.DataFrame]:
    """Rows of one profile by kind. One lifted graph after the other is held, for all kinds."""
    groups = [_Group(search, inputs, group) for _, group in lost.groupby("kind", sort=True)]
    case = search.case(bits_of(CLASSES))
    for group in groups:
        if len(group.homes):
            group.all_lifted(search.walk(case, group.site_ids, group.homes, group.limit_m))
    for name in search.classes:
        case = search.case(bits_of([name]))
        for group in groups:
            if len(group.homes):
                group.one_lifted(name, search.walk(case, group.site_ids, group.homes, group.limit_m))
    return [group.rows() for group in groups]
