"""Blind spots: where children live who have no facility of a kind within its default limit on foot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from os import cpu_count
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Band, Catalogue
from xiqing_space.catalog.blind_spots import BlindSpotRules
from xiqing_space.catalog.load import LEVELS, UNKNOWN_LEVEL
from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.clusters import DIGITS, cluster, split_long
from xiqing_space.crs import GEOGRAPHIC, project_geometry, to_degrees
from xiqing_space.network.graph import rows_of
from xiqing_space.schemas.coverage import CAUSES

CIRCLE = "circle"
FAR = "far"
_CAUSES = (FAR, *CAUSES)
_NO_ZONE = "-"
_ROUND = 2  # corners of a quarter circle round a home


@dataclass(frozen=True)
class SpotInputs:
    """What blind spots are found from: tables as written, EPSG:4326. `bridge` may be empty."""

    demand: pd.DataFrame
    zones: pd.DataFrame
    access: pd.DataFrame
    bridge: pd.DataFrame
    facilities: pd.DataFrame
    unlocated: pd.DataFrame
    compounds: pd.DataFrame
    streets: pd.DataFrame
    metric_epsg: int

    @cached_property
    def homes(self) -> pd.DataFrame:
        """Homes of the area in id order."""
        mine = self.demand[self.demand["inside"].to_numpy(dtype=bool)]
        return pd.DataFrame(mine.sort_values("demand_id", ignore_index=True))

    @cached_property
    def points(self) -> NDArray[np.object_]:
        """Their places, metric."""
        points: NDArray[np.object_] = project_geometry(
            self.homes["geometry"].to_numpy(dtype=object), GEOGRAPHIC, self.metric_epsg
        )
        return points

    @cached_property
    def xy(self) -> NDArray[np.float64]:
        """Their coordinates, metric."""
        coords: NDArray[np.float64] = shapely.get_coordinates(self.points)
        return coords

    @cached_property
    def distances(self) -> AccessByHome:
        """`access` in their order."""
        return AccessByHome(self.access, self.homes["demand_id"])

    @cached_property
    def weight_kind(self) -> str:
        """Whether children are persons."""
        return str(self.demand["weight_kind"].iloc[0]) if len(self.demand) else "relative"


@dataclass(frozen=True)
class Lack:
    """What the homes lack of one kind, or of the circle.

    Attributes
    ----------
    children : float64 (homes,)
        Children without it.
    farthest_m : float64 (homes,)
        The longest of their walks; infinite where there is none within the search limit.
    walked, walking : float64 (homes,)
        Children × metres, and children, of those whose walk is known; a child counts for each kind it lacks.
    causes : float64 (homes, causes)
        Children by cause, in the order of `far` and the causes of the bridge; those without a known cause are in none.
    kinds : dict of kind to float64 (homes,)
        Children who lack the kind.
    perhaps : dict of kind to float64 (homes,)
        Of these, children with a school of unknown level within the limit.
    """

    children: NDArray[np.float64]
    farthest_m: NDArray[np.float64]
    walked: NDArray[np.float64]
    walking: NDArray[np.float64]
    causes: NDArray[np.float64]
    kinds: dict[str, NDArray[np.float64]]
    perhaps: dict[str, NDArray[np.float64]]


def lack_of(inputs: SpotInputs, catalogue: Catalogue, needs: dict[Band, tuple[str, ...]]) -> Lack:
    """Children who lack at least one of the kinds that their band needs, on foot at the default limit.

    Homes that no street can be joined to, or whose place is unknown, are unknown and not lacking: they are left out.

    Parameters
    ----------
    needs : dict of Band to kinds
        Kinds that somebody mapped.
    """
    count = len(inputs.homes)
    children, farthest, walked, walking = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    causes = np.zeros((count, len(_CAUSES)))
    kinds: dict[str, NDArray[np.float64]] = {}
    perhaps: dict[str, NDArray[np.float64]] = {}
    for band, wanted in needs.items():
        people = inputs.homes[band.column].to_numpy(dtype=float)
        lacking = np.zeros(count, dtype=bool)
        for kind in wanted:
            limit = round(catalogue.standards_of(kind)[0].limit_m(band), 3)
            near = inputs.distances.of(kind, band.profile)
            out = ~near.unlinked & ~(np.round(near.walk_m, 2) <= limit) & (people > 0)
            lacking |= out
            here = np.where(out, people, 0.0)
            known = ~np.isnan(near.walk_m)
            walked += np.where(known, here * near.walk_m, 0.0)
            walking += np.where(known, here, 0.0)
            farthest = np.maximum(farthest, np.where(out, np.where(known, near.walk_m, np.inf), 0.0))
            cause = _causes(inputs, kind, band.profile, limit, near.straight_m)
            told = np.flatnonzero(out & (cause >= 0))
            causes[told, cause[told]] += people[told]
            kinds[kind] = kinds.get(kind, np.zeros(count)) + here
            if kind in LEVELS:
                maybe = np.round(inputs.distances.of(UNKNOWN_LEVEL, band.profile).walk_m, 2) <= limit
                perhaps[kind] = perhaps.get(kind, np.zeros(count)) + np.where(maybe, here, 0.0)
        children += np.where(lacking, people, 0.0)
    return Lack(children, farthest, walked, walking, causes, kinds, perhaps)


def _causes(
    inputs: SpotInputs, kind: str, profile: str, limit_m: float, straight_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Cause of every home as its place in `_CAUSES`; -1 where the bridge does not tell."""
    bridge = inputs.bridge
    found = np.full(len(inputs.homes), -1, dtype=np.int64)
    if len(bridge):
        same = (bridge["kind"] == kind) & (bridge["profile"] == profile) & (np.abs(bridge["limit_m"] - limit_m) < 1e-3)
        mine = bridge[same.to_numpy(dtype=bool)]
        row = rows_of(mine["demand_id"], inputs.homes["demand_id"])
        code = pd.Index(_CAUSES).get_indexer(pd.Index(mine["cause"]))
        found[row[row >= 0]] = code[row >= 0]
    found[~(np.round(straight_m, 2) <= limit_m)] = 0
    return found


def find_blind_spots(inputs: SpotInputs, catalogue: Catalogue, rules: BlindSpotRules) -> pd.DataFrame:
    """The `blind_spots` table (unsorted): clusters of children beyond the default limit, per kind and for the circle.

    A blind spot says where children lack something, not where it should be built. It says nothing of homes outside of it:
    those with too few children near each other are not listed, and unknown walks are not counted as lacking. Kinds that
    nobody mapped have no blind spots, for everybody would live in one.

    Parameters
    ----------
    inputs : SpotInputs
    catalogue : Catalogue
        With the configuration's standards.
    rules : BlindSpotRules
        Distances and floors.

    Returns
    -------
    DataFrame
        Columns of `blind_spots`.

    Notes
    -----
    DBSCAN: M. Ester et al., A density-based algorithm for discovering clusters in large spatial databases with noise, 1996.
    """
    mapped = set(inputs.facilities.loc[open_to_everyone(inputs.facilities), "kind"])
    spots: list[Spot] = []
    for kind in catalogue.measured_kinds:
        if kind in mapped and catalogue.standards_of(kind):
            bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
            spots += _spots(inputs, catalogue, rules, kind, dict.fromkeys(bands, (kind,)))
    needs = {
        band: tuple(kind for kind in catalogue.circle_of(band) if kind in mapped) for band in catalogue.bands.values()
    }
    spots += _spots(inputs, catalogue, rules, CIRCLE, needs)
    return _rows(inputs, rules, spots)


@dataclass(frozen=True)
class Spot:
    """Homes of one blind spot (rows of `SpotInputs.homes`, ascending) and what they lack."""

    kind: str
    zone: str | None
    homes: NDArray[np.int64]
    lack: Lack


def _spots(
    inputs: SpotInputs, catalogue: Catalogue, rules: BlindSpotRules, kind: str, needs: dict[Band, tuple[str, ...]]
) -> list[Spot]:
    """Blind spots of one kind, zone by zone."""
    lack = lack_of(inputs, catalogue, needs)
    floor = rules.floor(inputs.weight_kind, sum(float(inputs.homes[band.column].sum()) for band in needs))
    spots = []
    for zone, group in _by_zone(inputs.homes["zone_id"], lack.children > 0):
        label = cluster(inputs.xy[group], lack.children[group], rules.near_m.value, floor * rules.core_part.value)
        order = np.argsort(label, kind="stable")
        bounds = np.searchsorted(label[order], np.arange(int(label.max(initial=-1)) + 2))
        for begin, end in pairwise(bounds.tolist()):
            members = group[order[begin:end]]
            if round(float(lack.children[members].sum()), DIGITS) < round(floor, DIGITS):
                continue
            parts = split_long(inputs.xy[members], lack.children[members], rules.longest_m.value)
            spots += [Spot(kind, zone, members[part], lack) for part in parts]
    return spots


def _by_zone(zone_id: pd.Series, chosen: NDArray[np.bool_]) -> list[tuple[str | None, NDArray[np.int64]]]:
    """Rows chosen, by zone; those outside every zone by themselves."""
    codes, names = pd.factorize(zone_id, sort=True)
    found = []
    for code in range(-1, len(names)):
        rows = np.flatnonzero(chosen & (codes == code))
        if len(rows):
            found.append((None if code < 0 else str(names[code]), rows))
    return found


def _rows(inputs: SpotInputs, rules: BlindSpotRules, spots: list[Spot]) -> pd.DataFrame:
    """The table of some blind spots."""
    home_id = inputs.homes["demand_id"].to_numpy(dtype=object)
    lost = inputs.unlocated[open_to_everyone(inputs.unlocated)] if len(inputs.unlocated) else inputs.unlocated
    unlocated = set(lost["kind"])
    rows = []
    for spot in spots:
        lack, homes = spot.lack, spot.homes
        known, cause = float(lack.walking[homes].sum()), lack.causes[homes].sum(axis=0)
        missing = {one: float(values[homes].sum()) for one, values in lack.kinds.items()}
        missing = {one: value for one, value in missing.items() if value > 0}
        perhaps = {
            one for one in missing.keys() & lack.perhaps.keys() if lack.perhaps[one][homes].sum() > 0.5 * missing[one]
        }
        farthest = home_id[homes[np.argmax(lack.farthest_m[homes])]]  # the first in id order, where several are
        names = "|".join(sorted(missing, key=lambda one: (-round(missing[one], 9), one)))
        rows.append(
            {
                "spot_id": f"{spot.zone or _NO_ZONE}:{spot.kind}:{farthest}", "zone_id": spot.zone, "kind": spot.kind,
                "weight_kind": inputs.weight_kind, "children": float(lack.children[homes].sum()), "homes": len(homes),
                "nearest_m": float(lack.walked[homes].sum()) / known if known > 0 else np.nan,
                "cause": _CAUSES[int(np.argmax(cause))] if cause.any() else None,
                "missing_kinds": names if spot.kind == CIRCLE else None,
                "held": missing.keys() <= unlocated | perhaps,
            }
        )  # fmt: skip
    if not rows:
        return pd.DataFrame()
    # spots of several kinds often have the very same homes: their shape and name are made once
    keys = [(spot.zone, spot.homes.tobytes()) for spot in spots]
    places = dict(zip(keys, spots, strict=True))
    number = {key: at for at, key in enumerate(places)}
    at = np.array([number[key] for key in keys])
    names_of = _names(inputs, rules, [spot.homes for spot in places.values()])
    shapes = _shapes(inputs, rules, list(places.values()))
    return pd.DataFrame(rows).assign(
        near_name=[names_of[one][0] for one in at], near_what=[names_of[one][1] for one in at], geometry=shapes[at]
    )


def _shapes(inputs: SpotInputs, rules: BlindSpotRules, spots: list[Spot]) -> NDArray[np.object_]:
    """Round the homes of each spot, the gaps between neighbours closed, within its zone; EPSG:4326."""
    zones = project_geometry(inputs.zones["geometry"].to_numpy(dtype=object), GEOGRAPHIC, inputs.metric_epsg)
    zone_of = dict(zip(inputs.zones["zone_id"], zones, strict=True))
    discs = shapely.buffer(inputs.points, rules.round_home_m.value, quad_segs=_ROUND)
    gap = rules.near_m.value / 2.0

    def closed(spot: Spot) -> Any:
        wide = shapely.buffer(shapely.union_all(discs[spot.homes]), gap, quad_segs=_ROUND)
        return shapely.buffer(wide, -gap, quad_segs=_ROUND)

    with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
        shapes = np.array(list(pool.map(closed, spots)), dtype=object)
    around = np.array([zone_of.get(spot.zone) for spot in spots], dtype=object)
    across = np.flatnonzero(~shapely.is_missing(around))
    shapely.prepare(zones)
    across = across[~shapely.covers(around[across], shapes[across])]
    within = shapely.intersection(shapes[across], around[across])
    shapes[across] = np.where(shapely.is_empty(within), shapes[across], within)
    parts, row = shapely.get_parts(to_degrees(shapes, inputs.metric_epsg), return_index=True)
    kept = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    made: NDArray[np.object_] = shapely.multipolygons(parts[kept], indices=row[kept])
    return made


def _names(
    inputs: SpotInputs, rules: BlindSpotRules, spots: list[NDArray[np.int64]]
) -> list[tuple[str | None, str | None]]:
    """Name of each group of homes, and what the name is.

    The named compound that holds most of the homes, where at least half of them lie in named ones; else the named facility
    or street nearest to the home in their middle.
    """
    named = inputs.compounds[inputs.compounds["name"].notna()]
    name = inputs.homes["compound_id"].map(dict(zip(named["compound_id"], named["name"], strict=True)))
    code, compounds = pd.factorize(name, sort=True)
    found: list[tuple[str | None, str | None]] = []
    middles = np.empty(len(spots), dtype=np.int64)
    for row, homes in enumerate(spots):
        mine = code[homes]
        mine = mine[mine >= 0]
        many = len(mine) * 2 >= len(homes)
        found.append((str(compounds[np.argmax(np.bincount(mine))]), "compound") if many else (None, None))
        apart = inputs.xy[homes] - inputs.xy[homes].mean(axis=0)
        middles[row] = homes[np.argmin(np.hypot(*apart.T))]
    marks = _landmarks(inputs)
    other = np.array([row for row, (_, what) in enumerate(found) if what is None], dtype=np.int64)
    tree = shapely.STRtree(marks["shape"].to_numpy(dtype=object))
    at, mark = tree.query_nearest(inputs.points[middles[other]], max_distance=rules.name_within_m.value)
    order = np.lexsort((mark, at))
    for row, first in zip(*np.unique(at[order], return_index=True), strict=True):
        label = marks.iloc[int(mark[order][first])]
        found[int(other[row])] = (str(label["name"]), str(label["what"]))
    return found


def _landmarks(inputs: SpotInputs) -> pd.DataFrame:
    """Named facilities and streets, in an order that settles ties: facilities first, each by id."""
    open_ = inputs.facilities[(inputs.facilities["status"] == "operating") & inputs.facilities["name"].notna()]
    streets = inputs.streets[inputs.streets["walk"].to_numpy(dtype=bool) & inputs.streets["name"].notna()]
    parts = [
        pd.DataFrame({"name": frame["name"].to_numpy(dtype=object), "what": what, "id": frame[key].to_numpy(dtype=object),
                      "shape": project_geometry(frame["geometry"].to_numpy(dtype=object), GEOGRAPHIC, inputs.metric_epsg)})
        for frame, key, what in ((open_, "facility_id", "facility"), (streets, "edge_id", "street"))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).sort_values(["what", "id"], ignore_index=True)
