"""Catchments: the land within reach of a kind of facility on foot, from reached stretches of streets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from xiqing_space.catalog import Catalogue
from xiqing_space.catalog.load import PROFILES
from xiqing_space.coverage.access import open_to_everyone
from xiqing_space.coverage.by_home import AccessByHome
from xiqing_space.coverage.reached_land import ReachedLand, to_written
from xiqing_space.coverage.stretches import Stretches, Strips, Water, reached_stretches
from xiqing_space.crs import GEOGRAPHIC
from xiqing_space.network.graph import WalkGraph, build_graph
from xiqing_space.network.links import seeds_of
from xiqing_space.network.reach import Seeds, nearest_nodes

HECTARE = 10_000.0


def catchment_limits(catalogue: Catalogue) -> dict[tuple[str, str], tuple[float, ...]]:
    """Limits in metres of every kind and profile, ascending: metre standards, and minutes at each target band's pace."""
    limits: dict[tuple[str, str], set[float]] = {}
    for kind in catalogue.measured_kinds:
        bands = catalogue.target_bands(kind) or tuple(catalogue.bands.values())
        for standard in catalogue.standards_of(kind):
            for band in bands:
                limits.setdefault((kind, band.profile), set()).add(round(standard.limit_m(band), 3))
    return {key: tuple(sorted(mine)) for key, mine in sorted(limits.items())}


def ways_in(links: pd.DataFrame, profile: str) -> pd.DataFrame:
    """The links of all sites on one profile, from `access_links`."""
    mine = (links["owner_type"] == "site") & (links["profile"] == profile) & links["linked"].to_numpy(dtype=bool)
    return pd.DataFrame(links.loc[mine, ["owner_id", "edge_id", "offset_m", "leg_m"]])


@dataclass(frozen=True)
class CatchmentInputs:
    """What catchments are made from: tables as written; `land_cells`, `land_access` are empty where land use is unknown."""

    streets: pd.DataFrame
    barriers: pd.DataFrame
    facilities: pd.DataFrame
    links: pd.DataFrame
    demand: pd.DataFrame
    access: pd.DataFrame
    land_cells: pd.DataFrame
    land_access: pd.DataFrame
    metric_epsg: int


def measure_catchments(inputs: CatchmentInputs, catalogue: Catalogue) -> pd.DataFrame:
    """The `catchments` table (unsorted): kind × limit × profile with land, children and streets within reach.

    A catchment is land along streets. Whether a home in it is within the limit depends on its own way to the street, and is
    in `access`; `children` and `residential_ha` are counted from there, never from the polygon. Polygons, hectares and
    streets reach beyond the area, as walks do; children and residential land are those of the area.

    Parameters
    ----------
    inputs : CatchmentInputs
    catalogue : Catalogue
        With the configuration's standards.

    Returns
    -------
    DataFrame
        Columns of `catchments`; kinds that nobody mapped, or none of whose facilities is linked, have no row.
    """
    mine = inputs.facilities[open_to_everyone(inputs.facilities)]
    graphs: dict[str, WalkGraph] = {
        profile: build_graph(inputs.streets, profile, inputs.metric_epsg) for profile in PROFILES
    }
    ways: dict[str, pd.DataFrame] = {profile: ways_in(inputs.links, profile) for profile in PROFILES}
    keys, found = [], []
    for (kind, profile), limits in catchment_limits(catalogue).items():
        sites = set(mine.loc[mine["kind"] == kind, "site_id"])
        seeds = seeds_of(ways[profile][ways[profile]["owner_id"].isin(sites)], graphs[profile])
        if len(seeds):
            keys += [(kind, profile, limit) for limit in limits]
            found.append(search(graphs[profile], seeds, limits))
    polygons = _polygons(inputs.streets, inputs.barriers, inputs.metric_epsg, found)
    count = _Counts(inputs, catalogue)
    frame = pd.DataFrame(keys, columns=["kind", "profile", "limit_m"])
    frame["area_ha"] = shapely.area(polygons) / HECTARE
    frame["residential_ha"] = [count.residential_ha(*key) for key in keys]
    frame["weight_kind"] = str(inputs.demand["weight_kind"].iloc[0]) if len(inputs.demand) else "relative"
    frame["children"] = [count.children(*key) for key in keys]
    frame["reached_m"] = [stretches.length_m for one in found for stretches in one.stretches]
    frame["geometry"] = to_written(polygons, inputs.metric_epsg)
    return frame


@dataclass(frozen=True)
class Found:
    """What one search reached: stretches on the edges of a graph, for ascending limits."""

    graph: WalkGraph
    stretches: list[Stretches]


def search(graph: WalkGraph, seeds: Seeds, limits_m: Sequence[float]) -> Found:
    """Reached stretches for ascending limits, from one search to the largest."""
    to_node, _ = nearest_nodes(graph, seeds, max(limits_m, default=0.0))
    return Found(graph, [reached_stretches(graph, to_node, seeds, limit) for limit in limits_m])


def _polygons(
    streets: pd.DataFrame, barriers: pd.DataFrame, metric_epsg: int, found: list[Found]
) -> NDArray[np.object_]:
    """Polygons of all that was found, one after the other; metric. Only streets of which something is reached are drawn."""
    ids = set().union(*(set(one.graph.edge_id[some.edge]) for one in found for some in one.stretches))
    strips = Strips(streets[streets["edge_id"].isin(ids)], Water.of(barriers, metric_epsg), metric_epsg)
    groups = []
    for one in found:
        row = strips.edge_id.get_indexer(pd.Index(one.graph.edge_id)).astype(np.int64)
        groups.append([Stretches(row[some.edge], some.begin_m, some.end_m) for some in one.stretches])
    drawn = [polygon for group in ReachedLand(strips).polygons(groups) for polygon in group]
    return np.array(drawn, dtype=object)


class _Counts:
    """Children and residential land within a limit, by distance."""

    def __init__(self, inputs: CatchmentInputs, catalogue: Catalogue) -> None:
        self.demand, self.catalogue = inputs.demand, catalogue
        self.inside = inputs.demand["inside"].to_numpy(dtype=bool)
        self.homes = AccessByHome(inputs.access, inputs.demand["demand_id"])
        self.hectares = inputs.land_cells["area_ha"].to_numpy(dtype=float)
        land = inputs.land_access.rename(columns={"cell_id": "demand_id"})
        self.land = AccessByHome(land, inputs.land_cells["cell_id"])

    def children(self, kind: str, profile: str, limit_m: float) -> float:
        """Children of the area, of the target bands of this profile."""
        bands = self.catalogue.target_bands(kind) or tuple(self.catalogue.bands.values())
        near = self.inside & (np.round(self.homes.of(kind, profile).walk_m, 2) <= limit_m)
        return float(sum(self.demand[band.column].to_numpy()[near].sum() for band in bands if band.profile == profile))

    def residential_ha(self, kind: str, profile: str, limit_m: float) -> float:
        """Residential land of the area; NaN where no land use is known."""
        if not len(self.hectares):
            return float("nan")
        return float(self.hectares[np.round(self.land.of(kind, profile).walk_m, 2) <= limit_m].sum())


def facility_catchment(
    facility_id: str, limits_m: Sequence[float], *, streets: pd.DataFrame, barriers: pd.DataFrame, facilities: pd.DataFrame,
    links: pd.DataFrame, metric_epsg: int, profile: str = "walk",
) -> gpd.GeoDataFrame:  # fmt: skip
    """Land within reach of one facility, for a notebook: the run itself keeps none of these.

    It says nothing of whether the facility has a place for those who live there, nor whether another one is nearer.

    Parameters
    ----------
    facility_id : str
        A row of `facilities`, whatever its status.
    limits_m : sequence of float
        Limits in metres.
    streets, barriers, facilities, links : DataFrame
        Tables of a run; `links` is `access_links`.
    metric_epsg : int
        `metric_epsg` of the `area` table.
    profile : {"walk", "pram"}
        The network.

    Returns
    -------
    GeoDataFrame
        `facility_id, limit_m, profile, area_ha, reached_m, geometry`, EPSG:4326, a row per limit in ascending order; the
        polygons nest. No rows where the facility could not be joined to the network.

    Raises
    ------
    KeyError
        There is no such facility.
    """
    site = facilities.set_index("facility_id").loc[facility_id, "site_id"]
    graph = build_graph(streets, profile, metric_epsg)
    ways = ways_in(links, profile)
    seeds = seeds_of(ways[ways["owner_id"] == site], graph)
    limits = sorted({float(limit) for limit in limits_m}) if len(seeds) else []
    found = search(graph, seeds, limits)
    polygons = _polygons(streets, barriers, metric_epsg, [found])
    frame = {
        "facility_id": facility_id, "limit_m": limits, "profile": profile, "area_ha": shapely.area(polygons) / HECTARE,
        "reached_m": [stretches.length_m for stretches in found.stretches],
    }  # fmt: skip
    return gpd.GeoDataFrame(frame, geometry=list(to_written(polygons, metric_epsg)), crs=GEOGRAPHIC)
